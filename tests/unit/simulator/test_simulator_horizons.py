"""Horizons by outcome type, and the scale that turns rewards into labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log
from simulator.horizons import Horizons
from simulator.policies.maturing_queue import MaturingQueue
from simulator.reward_scale import RewardScale

MINUTE = 60_000_000
LogOf = Callable[[Any], Log]


def outcome(kind: str, minute: int | None) -> dict[str, Any]:
    return {"type": kind} if minute is None else {"type": kind, "at": f"2026-03-01T12:{minute:02d}:00Z"}


def one(log_of: LogOf, *outcomes: dict[str, Any], **fields: Any) -> Log:
    return log_of([{"arm": "a", "decided_at": "2026-03-01T12:00:00Z", "outcomes": list(outcomes), **fields}])


def test_each_type_has_its_horizon_and_the_reward_the_longest(log_of: LogOf) -> None:
    log = one(log_of, outcome("click", 5), outcome("click", 20), outcome("purchase", 20), outcome("purchase", None))
    horizons = Horizons({"click": 10 * MINUTE, "purchase": 30 * MINUTE})
    kept = horizons.within(log, ("click", "purchase")).outcomes
    assert [kept.kinds[kind] for kind in kept.kind] == ["click", "purchase", "purchase"]
    assert horizons.mature_at(log, ("click", "purchase"))[0] == log.decided_at[0] + 30 * MINUTE
    assert horizons.mature_at(log, ("click",))[0] == log.decided_at[0] + 10 * MINUTE


def test_a_type_without_a_horizon_has_until_the_reward_is_complete(log_of: LogOf) -> None:
    log = one(log_of, outcome("click", 9), outcome("click", 11))
    assert Horizons({"purchase": 10 * MINUTE}).within(log, ("click", "purchase")).outcomes.row.size == 1
    assert Horizons().within(log, ("click",)).outcomes.row.size == 2


def test_rewards_are_complete_when_they_were_observed_to_the_end(log_of: LogOf) -> None:
    horizons = Horizons(default_us=10 * MINUTE)
    for until, complete in (("12:09:59", False), ("12:10:00", True)):
        log = one(log_of, observed_until=f"2026-03-01T{until}Z")
        assert horizons.observed(log, ("click",)).tolist() == [complete]
    assert horizons.observed(one(log_of), ("click",)).tolist() == [True]


def test_lags_seen_in_a_log_stand_in_for_horizons_nobody_states(log_of: LogOf) -> None:
    first = one(log_of, outcome("click", 5), outcome("purchase", 20), outcome("cost", None))
    second = one(log_of, outcome("click", 7))
    assert Horizons.seen_in(first).by_kind == {"click": 5 * MINUTE, "purchase": 20 * MINUTE}
    assert Horizons.seen_in(first).union(Horizons.seen_in(second)).by_kind == {
        "click": 7 * MINUTE,
        "purchase": 20 * MINUTE,
    }
    assert Horizons.seen_in(one(log_of)).longest(("click",)) == 0


def test_horizons_are_not_negative() -> None:
    with pytest.raises(InvalidInput):
        Horizons({"click": -1})


def test_what_matures_comes_out_in_order() -> None:
    queue: MaturingQueue[str] = MaturingQueue()
    for moment, item in ((3, "a"), (3, "b"), (8, "c")):
        queue.push(moment, item)
    assert [list(queue.due(now)) for now in (2, 3, 7, 8)] == [[], ["a", "b"], [], ["c"]]


def test_labels_leave_a_decision_without_outcome_at_nothing() -> None:
    assert RewardScale().labels(np.array([0.0, 1.0, 7.0])).tolist() == [0.0, -1.0, -1.0]
    money = RewardScale(-10.0, 30.0)
    np.testing.assert_allclose(
        money.labels(np.array([0.0, 10.0, 30.0, 500.0, -10.0, -99.0])), [0, -0.25, -0.75, -0.75, 0.25, 0.25]
    )
    assert money.label_range == (-0.75, 0.25)


def test_the_scale_is_declared_or_robust() -> None:
    assert RewardScale.of(np.array([0.0, 1.0, 0.0])) == RewardScale(0.0, 1.0)
    assert RewardScale.of(np.zeros(4)) == RewardScale(0.0, 1.0)
    spend = np.concatenate((np.zeros(900), np.linspace(1, 100, 100), [1e6]))
    guessed = RewardScale.of(spend)
    assert guessed.low == 0.0
    assert 95 < guessed.high < 101
    assert RewardScale.of(spend, reward_max=250.0) == RewardScale(0.0, 250.0)
    assert RewardScale.of(np.array([-0.05] * 99 + [-3.0])).low == pytest.approx(-0.05 - 2.95 * 0.01, abs=0.01)
    with pytest.raises(InvalidInput, match="--reward-max"):
        RewardScale(0.0, float("nan"))
