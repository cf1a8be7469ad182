"""Policies that learn row by row need an order: that of time, or of the file where no row has a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log, LogBuilder, ReplaySettings, evaluate

SPEC = "vw:--cb_explore_adf --epsilon 0.1"


def log_of(timed: str) -> Log:
    """Clicks on `b` alone; rows with times in order, backwards, in some rows, or in none."""
    random, builder = np.random.default_rng(0), LogBuilder("memory")
    rows: list[dict[str, Any]] = []
    for n in range(400):
        arm = int(random.integers(2))
        clicks = [{"type": "click"}] if arm and random.random() < 0.6 else []
        row = {"decision_id": f"d{n}", "arm": "ab"[arm], "eligible": ["a", "b"], "propensity": 0.5, "outcomes": clicks}
        if timed == "all" or (timed == "some" and n % 2):
            row["decided_at"] = f"2026-01-01T{n // 60:02d}:{n % 60:02d}:00Z"
        rows.append(row)
    for line, row in enumerate(rows, start=1):
        builder.append(row, line)
    return builder.build()


def values(timed: str, **settings: Any) -> dict[str, float | None]:
    report = evaluate(
        log_of(timed),
        policies=[SPEC],
        metrics=["ctr"],
        estimators=["ips", "dr"],
        settings=ReplaySettings(interval="delta", **settings),
    )
    return {key: estimate.value for key, estimate in report.policies[0].metrics["ctr"].estimates.items()}


def test_a_log_without_times_is_learned_in_the_order_of_the_file() -> None:
    found = values("none")
    assert found == values("all")
    # It learns to like `b`, which earns 0.6, while `a` earns nothing.
    assert 0.4 < (found["dr"] or 0.0) < 0.7


def test_times_in_some_rows_only_give_no_order() -> None:
    with pytest.raises(InvalidInput, match="expected `decided_at` in every row"):
        values("some")
