"""Workers, learner and everything are killed at random moments of a loaded run: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.redis_server import installed

ROOT = Path(__file__).parents[3]


@pytest.mark.slow
def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    """`ARMSREACH_KILLS` asks for more; `make torture` runs hundreds."""
    kills = os.environ.get("ARMSREACH_KILLS", "24")
    tortured(tmp_path, kills, 280 if kills == "24" else None)


@pytest.mark.slow
@pytest.mark.skipif(not installed(), reason="redis-server is not installed; .ci/redis.sh installs it")
def test_no_budget_in_redis_is_overspent_though_redis_is_killed_too(tmp_path: Path) -> None:
    """The seed kills Redis, then everything else at once."""
    tortured(tmp_path, "5", 120, "--ledger", "redis", seed="15")
    assert (tmp_path / "redis" / "redis.log").read_text().count("Ready to accept connections") > 1


def tortured(folder: Path, kills: str, limit_s: float | None, *more: str, seed: str = "7") -> None:
    """With a budget and frequency caps."""
    command = [sys.executable, "benchmarks/torture.py", "--rules", "--kills", kills, "--seed", seed, *more]
    command += ["--folder", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "RESULT name=torture_wrong value=0 " in done.stdout
