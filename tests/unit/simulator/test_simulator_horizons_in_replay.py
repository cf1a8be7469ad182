"""How long outcomes count is the same for every row, wherever chunks begin and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator import Log, ReplaySettings, evaluate
from simulator.horizons import Horizons

HOUR = 3_600_000_000


def decision(day: int, **outcomes: float) -> dict[str, Any]:
    """Outcomes by type, so many hours after the decision."""
    return {
        "arm": "a",
        "user": f"u{day}",
        "decided_at": f"2026-03-{day:02d}T00:00:00Z",
        "outcomes": [
            {"type": kind, "at": f"2026-03-{day + int(hours // 24):02d}T{int(hours % 24):02d}:00:00Z"}
            for kind, hours in outcomes.items()
        ],
    }


def value(log: Log, metric: str, horizons: Horizons) -> float | None:
    settings = ReplaySettings(resamples=100, horizons=horizons)
    report = evaluate(log, policies=["logged"], metrics=[metric], estimators=["ips"], settings=settings)
    return report.policies[0].metrics[metric].estimates["ips"].value


def test_outcomes_after_their_horizon_do_not_count(log_of: Callable[..., Log]) -> None:
    rows = [decision(1, click=1), decision(2, click=3), decision(3, purchase=30), decision(4, purchase=60)]
    log = log_of([*rows, decision(20), decision(28)])
    several = Horizons({"click": 2 * HOUR, "purchase": 48 * HOUR})
    # The last decision is younger than two days and left out; of the others one clicked and one bought in time.
    assert value(log, "ctr", several) == 1 / 5
    assert value(log, "cvr", several) == 1 / 5
    assert value(log, "ctr", Horizons()) == 2 / 6


def test_a_type_without_a_horizon_has_until_the_longest_in_every_chunk(log_of: Callable[..., Log]) -> None:
    rows = [decision(day, unsubscribe=50) for day in range(1, 20)]
    only_unsubscribes = log_of([*rows, decision(28)])
    assert value(only_unsubscribes, "unsubscribe", Horizons({"click": 2 * HOUR})) == 0.0
    assert value(only_unsubscribes, "unsubscribe", Horizons({"click": 72 * HOUR})) == 1.0
