"""Logs whose probabilities learned from earlier rewards, and the order in which models may learn from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log, ReplaySettings, evaluate
from simulator.folds import Folds
from simulator.log_facts import LogFacts

LogOf = Callable[..., Log]
#: `b` always pays, which a log that begins without hope finds out by exploring.
CLICKS, TRUTH, EXPLORED = (0.5, 1.0), 1.0, 0.1


def learning_log(log_of: LogOf, seed: int, rows: int = 60) -> Log:
    """Decisions of ε-greedy on the means so far, each decision by what all before it earned."""
    random = np.random.default_rng(seed)
    clicked, played, records = np.zeros(2), np.zeros(2), []
    for n in range(rows):
        mean = clicked / np.maximum(played, 1)
        best = mean == mean.max()
        p = EXPLORED / 2 + (1 - EXPLORED) * best / best.sum()
        arm = int(random.random() >= p[0])
        click = bool(random.random() < CLICKS[arm])
        played[arm] += 1
        clicked[arm] += click
        records.append(
            {
                "arm": "ab"[arm],
                "propensity": float(p[arm]),
                "user": f"u{n}",
                "outcomes": [{"type": "click"}] if click else [],
                "decided_at": f"2026-01-01T00:00:{n:02d}Z",
            }
        )
    return log_of(records)


def test_dr_of_models_fitted_on_the_past_is_unbiased_on_them(log_of: LogOf) -> None:
    """Users' folds know what came after: there the same estimator is off, by little and for sure."""
    found: dict[str, list[float]] = {"past": [], "users": []}
    for seed in range(500):
        log = learning_log(log_of, seed)
        for fit, values in found.items():
            settings = ReplaySettings(fit=fit, interval="delta", seed=seed)
            report = evaluate(log, policies=["constant:b"], metrics=["ctr"], estimators=["dr"], settings=settings)
            values.append(report.policies[0].metrics["ctr"].estimates["dr"].value or 0.0)
    miss = {fit: (np.mean(values) - TRUTH) / (np.std(values) / 500**0.5) for fit, values in found.items()}
    assert abs(miss["past"]) < 3
    assert miss["users"] < -3
    assert np.mean(found["users"]) - TRUTH > -0.03


def facts_of(log_of: LogOf, times: list[str | None]) -> LogFacts:
    log = log_of({"arm": "a", **({} if time is None else {"decided_at": time})} for time in times)
    return LogFacts.of(log, cluster=None, reward_max=None)


def test_without_any_time_the_order_of_the_file_counts(log_of: LogOf) -> None:
    folds = Folds.in_time(facts_of(log_of, [None] * 20), 0)
    assert folds.of.tolist() == [n // 2 for n in range(20)]
    assert folds.training == {fold: tuple(range(fold)) for fold in range(10)}


def test_time_goes_before_the_order_of_the_file(log_of: LogOf) -> None:
    backwards = [f"2026-01-{20 - n:02d}T00:00:00Z" for n in range(20)]
    assert Folds.in_time(facts_of(log_of, list(backwards)), 0).of.tolist() == [9 - n // 2 for n in range(20)]


@pytest.mark.parametrize(("times", "delay"), [([None, "2026-01-01T00:00:00Z"], 0), ([None, None], 1)])
def test_times_in_some_rows_only_are_refused(log_of: LogOf, times: list[str | None], delay: int) -> None:
    with pytest.raises(InvalidInput, match="expected `decided_at` in every row"):
        Folds.in_time(facts_of(log_of, times), delay)


def test_few_rows_leave_folds_empty(log_of: LogOf) -> None:
    folds = Folds.in_time(facts_of(log_of, [None] * 3), 0)
    assert folds.of.tolist() == [0, 3, 6]
