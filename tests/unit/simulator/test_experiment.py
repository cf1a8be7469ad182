"""Comparing two shares: hand-computed values, coverage, and the refusals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest

from engine.core.errors import InvalidInput
from simulator.experiment import Experiment
from simulator.log import Log
from simulator.verdict import VerdictName


def row(number: int, user: str, mode: str, clicked: bool = False, hour: int = 0) -> dict[str, object]:
    return {
        "decision_id": f"d{number}",
        "arm": "v/email/day",
        "propensity": 0.5,
        "eligible": ["hold", "v/email/day"],
        "outcomes": [{"type": "click"}] if clicked else [],
        "user": user,
        "mode": mode,
        "decided_at": f"2026-03-01T{hour:02d}:00:00Z",
    }


def read(folder: Path, rows: Sequence[dict[str, object]]) -> Log:
    path = folder / "log.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(item) for item in rows))
    return Log.read(path)


def test_values_by_hand(tmp_path: Path) -> None:
    rows = [row(i, f"a{i}", "live", i < 3) for i in range(10)] + [
        row(100 + i, f"b{i}", "control", i < 2) for i in range(10)
    ]
    (found,) = Experiment(read(tmp_path, rows)).compare(["ctr"])
    assert found.treatment.value == pytest.approx(0.3)
    assert found.baseline.value == pytest.approx(0.2)
    assert found.difference.value == pytest.approx(0.1)
    assert found.lift.value == pytest.approx(0.5)
    assert found.verdict is VerdictName.REFUSED
    assert any("rewarded users" in reason for reason in found.reasons)


def test_time_before_the_live_share_is_left_out(tmp_path: Path) -> None:
    early = [row(i, f"b{i}", "control", True) for i in range(5)]
    late = [row(10 + i, f"b{i}", "control", False, 2) for i in range(5)]
    live = [row(20 + i, f"a{i}", "live", False, 1) for i in range(5)]
    made = Experiment(read(tmp_path, early + late + live))
    (found,) = made.compare(["ctr"])
    assert made.decisions("control") == 5
    assert found.baseline.value == 0.0
    assert found.lift.value is None


def test_interval_covers_a_true_difference(tmp_path: Path) -> None:
    """Users repeat and differ, so rows are not independent; intervals by user must still cover."""
    random = np.random.default_rng(5)
    covered, trials = 0, 150
    for trial in range(trials):
        rows = []
        for user in range(300):
            mode = "live" if user % 2 else "control"
            taste = random.beta(2, 6)
            for visit in range(4):
                clicked = bool(random.random() < (0.8 * taste if mode == "control" else taste))
                rows.append(row(user * 4 + visit, f"{mode}{user}", mode, clicked))
        (found,) = Experiment(read(tmp_path, rows), resamples=200, seed=trial).compare(["ctr"])
        assert found.difference.low is not None
        assert found.difference.high is not None
        covered += found.difference.low <= 0.05 <= found.difference.high
    # 95 % nominal; four standard errors of 150 trials are 7 points.
    assert covered / trials >= 0.88


def test_absent_modes_and_unknown_metrics_are_named(tmp_path: Path) -> None:
    log = read(tmp_path, [row(0, "a", "live")])
    with pytest.raises(InvalidInput, match="mode control"):
        Experiment(log)
    both = read(tmp_path, [row(0, "a", "live"), row(1, "b", "control")])
    with pytest.raises(InvalidInput, match="incremental_roi"):
        Experiment(both).compare(["incremental_roi"])
