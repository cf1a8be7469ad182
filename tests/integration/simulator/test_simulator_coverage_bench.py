"""The coverage benchmark runs, and its simulated logs have the values it holds intervals against."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from benchmarks.coverage_cells import CELLS  # noqa: E402
from benchmarks.coverage_world import QUANTITIES, World  # noqa: E402


@pytest.mark.parametrize(
    "world", {cell.world.name: cell.world for cell in CELLS}.values(), ids=lambda world: world.name
)
def test_truth_is_what_a_large_log_shows(world: World) -> None:
    log = world.draw(150_000, np.random.default_rng(1))
    truth, logged = world.truth(world.target), world.truth(world.logging)
    users = int(log.user.max()) + 1
    for name in QUANTITIES:
        for factor, expected in ((log.weight, truth[name]), (np.ones_like(log.weight), logged[name])):
            off = np.bincount(log.user, factor * log.reward[name] - expected, users)
            assert abs(off.sum()) < 4.5 * np.sqrt(np.sum(off**2)), name
    assert log.weight.max() == pytest.approx(world.weight_max)


def test_quick_run(tmp_path: Path) -> None:
    written = tmp_path / "coverage.md"
    command = [sys.executable, "benchmarks/coverage.py", "--quick", "--processes", "1", "--write", str(written)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "RESULT name=coverage_bounded_least" in ran.stdout
    page = written.read_text(encoding="utf-8")
    assert "| common clicks 4,000 | ctr |" in page
    assert "called weak" in page
