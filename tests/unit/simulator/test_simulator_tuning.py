"""Whether a parameter chosen from the log does better than none, in worlds whose truth is known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from simulator.arrays import FloatArray
from simulator.estimators import ESTIMATORS, Case
from simulator.statistic import Statistic
from simulator.totals import Totals
from simulator.tuning import Candidate, Tuning, tuned

ARMS, FEATURES, BUCKETS = 20, 5, 256


def mean_of(totals: Totals, key: str, rows: FloatArray) -> Statistic:
    bucket = np.arange(rows.size) % BUCKETS
    if "n" not in totals:
        totals.add("n", bucket, np.ones(rows.size))
    totals.add(key, bucket, rows)
    return Statistic.of(totals, key).over(Statistic.of(totals, "n"))


def candidates(case: Case, key: str) -> list[Candidate]:
    estimator = ESTIMATORS[key]
    totals = Totals(np.zeros((0, BUCKETS)), np.ones(BUCKETS))
    found = []
    for parameter in estimator.grid:
        (ratio,) = estimator.terms(case, parameter)
        estimate = mean_of(totals, f"value|{parameter}", ratio.numerator)
        omitted = mean_of(totals, f"omitted|{parameter}", estimator.omitted(case, parameter))
        found.append(Candidate.of(parameter, estimate, omitted))
    return found


def world(seed: int, decisions: int, *, good_model: bool) -> tuple[Case, float]:
    """Clicks at 5 % at most; the policy plays what it thinks best, the log softly something else."""
    fixed = np.random.default_rng(5)
    taste, habit = fixed.standard_normal((2, ARMS, FEATURES))
    random = np.random.default_rng(seed)
    x = random.standard_normal((decisions, FEATURES))
    appeal = x @ taste.T / FEATURES**0.5
    chance = 0.05 / (1.0 + np.exp(-2.0 * appeal))
    logged = 0.95 * softmax(0.6 * appeal + 2.0 * (x @ habit.T) / FEATURES**0.5) + 0.05 / ARMS
    policy = softmax(6.0 * appeal)
    arm = (logged.cumsum(axis=1) < random.random((decisions, 1))).sum(axis=1).clip(max=ARMS - 1)
    row = np.arange(decisions)
    reward = (random.random(decisions) < chance[row, arm]).astype(np.float64)
    model = chance + 0.1 * chance.mean() if good_model else np.zeros_like(chance)
    weight = policy[row, arm] / logged[row, arm]
    case = Case(weight, reward, (policy * model).sum(axis=1), model[row, arm])
    return case, float((policy * chance).sum(axis=1).mean())


def softmax(scores: FloatArray) -> FloatArray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def errors(key: str, decisions: int, *, good_model: bool, logs: int = 60) -> dict[str, float]:
    """Root mean squared error, relative to no cutting."""
    squared: dict[str, list[float]] = {}
    for seed in range(logs):
        case, truth = world(seed, decisions, good_model=good_model)
        found = candidates(case, key)
        chosen = {"uncut": found[0]} | {how.value: tuned(found, how) for how in Tuning}
        for name, candidate in chosen.items():
            squared.setdefault(name, []).append((candidate.point - truth) ** 2)
    return {name: (np.mean(values) / np.mean(squared["uncut"])) ** 0.5 for name, values in squared.items()}


@pytest.fixture(scope="module")
def clipping() -> dict[str, float]:
    return errors("clipped_ips", 2000, good_model=False)


@pytest.fixture(scope="module")
def shrinking() -> dict[str, float]:
    return errors("dros", 2000, good_model=True)


def test_the_default_has_less_error_than_no_cutting(clipping: dict[str, float], shrinking: dict[str, float]) -> None:
    assert clipping["mse"] < 0.95
    assert shrinking["mse"] < 0.9


def test_slope_is_best_with_a_good_model_and_no_default_without(
    clipping: dict[str, float], shrinking: dict[str, float]
) -> None:
    assert shrinking["slope"] < 0.5
    assert clipping["slope"] > clipping["mse"]


def test_the_bound_is_cautious(clipping: dict[str, float], shrinking: dict[str, float]) -> None:
    assert 0.9 < clipping["mse_bound"] < 1.01
    assert 0.9 < shrinking["mse_bound"] < 1.01


def test_candidates_by_hand() -> None:
    """Four users with a row each: o = (0, 0, 3, 1) · 1, so its mean is 1 and its influence (o − 1) / 4."""
    case = Case(weight=np.array([1.0, 0.5, 4.0, 2.0]), reward=np.ones(4))
    totals = Totals(np.zeros((0, 4)), np.ones(4))
    estimator = ESTIMATORS["clipped_ips"]
    (ratio,) = estimator.terms(case, 1.0)
    for key, rows in (("v", ratio.numerator), ("o", estimator.omitted(case, 1.0)), ("n", np.ones(4))):
        totals.add(key, np.arange(4), rows)
    n = Statistic.of(totals, "n")
    candidate = Candidate.of(1.0, Statistic.of(totals, "v").over(n), Statistic.of(totals, "o").over(n))
    assert candidate.point == pytest.approx(3.5 / 4)
    assert candidate.deviation == pytest.approx((3 * 0.125**2 + 0.375**2) ** 0.5 / 4)
    assert candidate.bias == pytest.approx(-1.0)
    spread = (1 + 1 + 4 + 0) ** 0.5 / 4
    log = math.log(40)
    assert candidate.bias_bound == pytest.approx(1 + spread * (2 * log) ** 0.5 + 2 / 3 * log * 2 / 4)


def candidate(point: float, deviation: float, bias: float = 0.0, bound: float = 0.0) -> Candidate:
    return Candidate(deviation, point, deviation, bias, bound)


def test_mse_takes_the_least_sum_and_the_first_of_equals() -> None:
    uncut, half, much = candidate(1.0, 3.0), candidate(0.9, 2.0, bias=1.0, bound=4.0), candidate(0.5, 1.0, bias=2.5)
    assert tuned([uncut, half, much], Tuning.MSE) is half
    assert tuned([uncut, half], Tuning.MSE_BOUND) is uncut
    assert tuned([uncut, replace(uncut, parameter=9.0)], Tuning.MSE) is uncut


def test_slope_goes_on_while_intervals_agree() -> None:
    """With q = 1.2816, 4 may differ from 10 by q (4 + 1.449 · 10) = 23.7, and 1 from 4 by q (1 + 1.449 · 4) = 8.7."""
    far, near, least = candidate(0.0, 10.0), candidate(20.0, 4.0), candidate(12.0, 1.0)
    assert tuned([near, least, far], Tuning.SLOPE) is least
    assert tuned([near, candidate(11.0, 1.0), far], Tuning.SLOPE) is near
    assert tuned([candidate(24.0, 4.0), least, far], Tuning.SLOPE) is far


def test_undefined_candidates_are_passed_over() -> None:
    undefined = candidate(math.nan, math.nan)
    assert tuned([undefined, candidate(1.0, 2.0)], Tuning.MSE).point == 1.0
    assert tuned([undefined], Tuning.SLOPE) is undefined
    with pytest.raises(ValueError, match="at least one candidate"):
        tuned([], Tuning.MSE)
