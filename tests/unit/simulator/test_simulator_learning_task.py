"""What a learned metric is made of: its reward, the outcomes it waits for, and its scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator import Log
from simulator.horizons import Horizons
from simulator.metric import Metric, metric_table
from simulator.policies.learning_task import LearningTask

LogOf = Callable[[Any], Log]


def log_with_money(log_of: LogOf) -> Log:
    outcomes = [
        [{"type": "click"}, {"type": "purchase", "value": 30.0}, {"type": "cost", "value": 0.05}],
        [{"type": "purchase", "value": 900.0}, {"type": "refund", "value": 100.0}],
        [],
    ]
    return log_of([{"arm": "a", "outcomes": own} for own in outcomes])


def task(metric: Metric, log: Log, **changes: Any) -> LearningTask:
    settings = {"objective": {}, "horizons": Horizons(), "reward_max": None, "sample": log, **changes}
    return LearningTask.of(metric, **settings)


@pytest.mark.parametrize(
    ("key", "kinds", "rewards"),
    [
        ("ctr", ("click",), [1.0, 0.0, 0.0]),
        ("cvr", ("purchase",), [1.0, 1.0, 0.0]),
        ("revenue", ("purchase", "refund"), [30.0, 800.0, 0.0]),
        ("profit", ("cost", "purchase", "refund"), [30.0 * 0.5 - 0.05, 400.0, 0.0]),
        ("ctr_per_send", ("click",), [1.0, 0.0, 0.0]),
        ("incremental_roi", ("cost", "purchase", "refund"), [30.0 * 0.5 - 0.05, 400.0, 0.0]),
    ],
)
def test_a_metric_is_learned_by_its_own_numerator(
    log_of: LogOf, key: str, kinds: tuple[str, ...], rewards: list[float]
) -> None:
    log = log_with_money(log_of)
    learned = task(metric_table(margin=0.5)[key], log)
    assert learned.kinds == kinds
    np.testing.assert_allclose(learned.reward_of(log), rewards)


def test_an_objective_waits_for_its_terms_and_is_cut_off(log_of: LogOf) -> None:
    log = log_with_money(log_of)
    objective = {"click": 0.0, "purchase": 0.3, "cost": -1.0}
    metric = Metric("objective", "", {"objective": 1.0}, {}, False)
    learned = task(metric, log, objective=objective)
    assert learned.kinds == ("cost", "purchase")
    np.testing.assert_allclose(learned.reward_of(log), [8.95, 270.0, 0.0])
    money = task(metric_table()["revenue"], log, reward_max=100.0)
    np.testing.assert_allclose(money.reward_of(log), [30.0, 100.0, 0.0])
    assert money.scale.high == 100.0
    np.testing.assert_allclose(money.scale.labels(money.reward_of(log)), [-0.3, -1.0, 0.0])
