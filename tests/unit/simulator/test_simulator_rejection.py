from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log
from simulator.arrays import FloatArray, IntArray
from simulator.log_parts import parted
from simulator.rejection import Rejection, acceptance_draws, indivisible, largest_ratio


def replayed(
    weight: FloatArray, draw: FloatArray, reward: FloatArray, largest: float = 0.0, cuts: Sequence[int] = ()
) -> Rejection:
    """Feed rows in chunks that end at the cuts."""
    rejection = Rejection(["reward", "row"])
    ends = [*cuts, weight.size]
    for start, end in zip([0, *cuts], ends, strict=True):
        part = slice(start, end)
        row = np.arange(start, end)
        ones: IntArray = np.ones(end - start, dtype=np.int64)
        columns = {"reward": reward[part], "row": row.astype(np.float64)}
        rejection.add(weight[part], largest, draw[part], ones, row, columns)
    return rejection


def test_the_rule_by_hand() -> None:
    """M = 4: accepted if u < w / 4."""
    weight, draw = np.array([4.0, 2.0, 2.0, 0.0, 1.0]), np.array([0.99, 0.49, 0.5, 0.0, 0.2])
    rejection = replayed(weight, draw, np.arange(5.0))
    assert rejection.bound == 4.0
    accepted = rejection.accepted > 0
    assert rejection.column("row")[accepted].tolist() == [0.0, 1.0, 4.0]
    assert rejection.decisions == 3.0
    assert rejection.share == pytest.approx(3 / 5)


def test_chunks_and_their_order_do_not_matter() -> None:
    """The largest ratio comes late, so that candidates of early chunks have to be thinned out."""
    random = np.random.default_rng(1)
    weight, draw = np.sort(random.exponential(1.0, 5000)), random.random(5000)
    whole = replayed(weight, draw, weight)
    chunked = replayed(weight, draw, weight, cuts=(100, 101, 3000))
    backwards = replayed(weight[::-1], draw[::-1], weight[::-1], cuts=(2500,))
    assert whole.bound == chunked.bound == backwards.bound == weight.max()
    np.testing.assert_array_equal(whole.column("row"), chunked.column("row"))
    np.testing.assert_array_equal(whole.column("reward"), backwards.column("reward")[::-1])
    np.testing.assert_array_equal(whole.bucket, chunked.bucket)
    assert (chunked.accepted == 1.0).all()


def test_uniform_logs_and_deterministic_policies_accept_what_matches(log_of: Callable[..., Log]) -> None:
    random = np.random.default_rng(2)
    arms = [f"arm{number}" for number in range(7)]
    arm = random.integers(7, size=400)
    log = log_of({"arm": arms[chosen], "eligible": arms, "propensity": 1 / 7} for chosen in arm)
    policy = np.where(log.eligible == np.repeat((np.arange(400) % 7), log.lengths), 1.0, 0.0)
    weight = policy[log.chosen_at] / log.propensity
    rejection = replayed(weight, acceptance_draws(log, 0), np.zeros(400), largest_ratio(log, policy))
    matched = np.flatnonzero(log.arm == np.arange(400) % 7)
    np.testing.assert_array_equal(rejection.column("row"), matched)


def test_unbiased_on_logs_that_are_not_uniform_with_varying_eligible_sets() -> None:
    """Contexts with two and with six arms; a rule by matching alone would accept the former too often."""
    random = np.random.default_rng(3)
    logged = np.array([[0.8, 0.2, 0, 0, 0, 0], [0.3, 0.3, 0.2, 0.1, 0.05, 0.05]])
    policy = np.array([[0.1, 0.9, 0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1, 0.1, 0.5]])
    worth = np.array([[0.1, 0.2, 0, 0, 0, 0], [0.3, 0.4, 0.5, 0.6, 0.7, 0.9]])
    truth = float((policy * worth).sum()) / 2
    largest = 0.5 / 0.05
    values, shares, matching = [], [], []
    for _ in range(300):
        kind = random.integers(2, size=2000)
        arm = (logged[kind].cumsum(axis=1) <= random.random((2000, 1))).sum(axis=1)
        reward = (random.random(2000) < worth[kind, arm]).astype(np.float64)
        rejection = replayed(policy[kind, arm] / logged[kind, arm], random.random(2000), reward, largest)
        values.append(float(np.average(rejection.column("reward"), weights=rejection.accepted)))
        shares.append(rejection.share)
        matching.append(float(np.mean(reward[random.random(2000) < policy[kind, arm]])))
    assert abs(np.mean(values) - truth) < 4 * np.std(values) / 300**0.5
    assert np.mean(shares) == pytest.approx(1 / largest, rel=0.02)
    assert abs(np.mean(matching) - truth) > 10 * np.std(matching) / 300**0.5


def test_largest_ratio(log_of: Callable[..., Log]) -> None:
    rows = [
        {"arm": "a", "propensity": 0.5, "probabilities": [0.5, 0.5]},
        {"arm": "a", "propensity": 0.9, "probabilities": [0.9, 0.1]},
        {"arm": "b", "propensity": 0.25, "probabilities": None},
        {"arm": "a", "propensity": 1.0, "probabilities": [1.0, 0.0]},
    ]
    log = log_of(rows)
    policy = np.array([0.5, 0.5, 0.2, 0.8, 0.6, 0.4, 0.0, 1.0])
    assert largest_ratio(log, policy) == pytest.approx(8.0)
    assert largest_ratio(log.select(np.array([True, False, True, True])), policy[[0, 1, 4, 5, 6, 7]]) == 1.6


def test_a_declared_bound() -> None:
    rejection = Rejection(["reward"], bound=2.0)
    weight, draw = np.array([1.0, 1.0, 3.0]), np.array([0.4, 0.6, 0.99])
    rejection.add(weight, 9.0, draw, np.array([1, 1, 5]), np.arange(3), {"reward": np.ones(3)})
    assert rejection.bound == 2.0
    assert rejection.bucket.tolist() == [0, 2]
    assert rejection.exceeded == 5
    with pytest.raises(InvalidInput, match="above 0"):
        Rejection([], bound=0.0)


def test_a_policy_that_is_never_matched_accepts_nothing() -> None:
    rejection = replayed(np.zeros(3), np.zeros(3), np.ones(3))
    assert rejection.share == 0.0
    assert rejection.accepted.size == 0
    assert Rejection([]).share == 0.0


def test_decisions_of_one_row_are_accepted_one_by_one() -> None:
    random = np.random.default_rng(4)
    rows, count = 4000, 50
    weight = np.where(random.random(rows) < 0.5, 1.0, 4.0)
    rejection = Rejection([])
    rejection.add(weight, 4.0, random.random(rows), np.full(rows, count), np.arange(rows), {})
    accepted = np.zeros(rows)
    accepted[rejection.bucket] = rejection.accepted * count
    np.testing.assert_allclose(accepted, np.round(accepted), atol=1e-12)
    assert (accepted[weight == 4.0] == count).all()
    some = accepted[weight == 1.0]
    assert some.mean() == pytest.approx(count / 4, rel=0.02)
    assert some.var() == pytest.approx(count * 0.25 * 0.75, rel=0.1)


def test_draws_depend_on_id_part_and_seed_alone(log_of: Callable[..., Log]) -> None:
    log = parted(log_of([{"arm": "a", "count": 20}, *({"arm": "a"} for _ in range(2000))]), 10)
    draws = acceptance_draws(log, 0)
    assert np.unique(draws).size == log.rows
    backwards = log.take(np.arange(log.rows)[::-1])
    np.testing.assert_array_equal(acceptance_draws(backwards, 0), draws[::-1])
    assert abs(np.corrcoef(draws, acceptance_draws(log, 1))[0, 1]) < 0.1
    assert draws.mean() == pytest.approx(0.5, abs=0.03)


def test_rows_of_several_users_are_refused(log_of: Callable[..., Log]) -> None:
    assert indivisible(log_of([{"arm": "a"}, {"arm": "a", "count": 3, "user": "u"}])) is None
    assert "1 rows without a user" in str(indivisible(log_of([{"arm": "a"}, {"arm": "a", "count": 3}])))
