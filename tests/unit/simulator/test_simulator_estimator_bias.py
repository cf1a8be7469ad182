"""Bias of every estimator against a truth that is known, on many small logs at once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulator.arrays import FloatArray
from simulator.estimators import ESTIMATORS, Case

LOGS, DECISIONS = 800, 300
#: P(arm | context) in the log and by the policy, and what arms are worth, for two equally likely contexts.
LOGGED = np.array([[0.7, 0.2, 0.1], [0.05, 0.35, 0.6]])
POLICY = np.array([[0.1, 0.3, 0.6], [0.5, 0.5, 0.0]])
WORTH = np.array([[0.1, 0.2, 0.5], [0.4, 0.1, 0.3]])
#: A model that is wrong by an amount that differs from arm to arm.
MODEL = WORTH + np.array([[0.2, -0.1, 0.1], [0.2, 0.1, -0.05]])
TRUTH = float((POLICY * WORTH).sum()) / 2
CUTTING = ("clipped_ips", "switch_dr", "dros", "sg_ips", "sg_dr")


@pytest.fixture(scope="module")
def case() -> Case:
    random = np.random.default_rng(17)
    context = random.integers(2, size=(LOGS, DECISIONS))
    arm = (LOGGED[context].cumsum(axis=2) <= random.random((LOGS, DECISIONS, 1))).sum(axis=2)
    reward = (random.random((LOGS, DECISIONS)) < WORTH[context, arm]).astype(np.float64)
    weight = POLICY[context, arm] / LOGGED[context, arm]
    return Case(weight, reward, (POLICY * MODEL).sum(axis=1)[context], MODEL[context, arm])


def estimates(case: Case, key: str, parameter: float) -> FloatArray:
    ratios = [ratio for ratio in ESTIMATORS[key].terms(case, parameter) if not ratio.spread_only]
    total = np.zeros(LOGS)
    for ratio in ratios:
        rows = DECISIONS if ratio.denominator is None else ratio.denominator.sum(axis=1)
        total += ratio.numerator.sum(axis=1) / rows
    return total


def misses(found: FloatArray, truth: float) -> float:
    """Standard errors between the mean over the logs and a value."""
    return abs(float(found.mean()) - truth) / (float(found.std(ddof=1)) / LOGS**0.5)


@pytest.mark.parametrize("key", ["ips", "dr", "mrdr", *CUTTING])
def test_without_cutting_unbiased(case: Case, key: str) -> None:
    assert misses(estimates(case, key, ESTIMATORS[key].grid[0]), TRUTH) < 4


@pytest.mark.parametrize("key", ["snips", "sndr"])
def test_normalised_bias_is_of_the_order_of_one_over_n(case: Case, key: str) -> None:
    error = float(estimates(case, key, math.nan).mean()) - TRUTH
    assert abs(error) < 2.0 / DECISIONS


def test_the_direct_method_keeps_its_models_bias(case: Case) -> None:
    found = estimates(case, "dm", math.nan)
    assert misses(found, float((POLICY * MODEL).sum()) / 2) < 4
    assert misses(found, TRUTH) > 10


@pytest.mark.parametrize("key", CUTTING)
def test_bias_of_cut_weights_is_what_their_formula_says(case: Case, key: str) -> None:
    """E ŵ(x, a) r in closed form, from the probabilities above."""
    weight = POLICY / LOGGED
    for parameter in ESTIMATORS[key].grid:
        cut = {
            "clipped_ips": np.minimum,
            "switch_dr": lambda w, p: w * (w <= p),
            "dros": lambda w, p: w if math.isinf(p) else (p * w / (w**2 + p) if p else 0 * w),
            "sg_ips": lambda w, p: np.where(w > 0, w / np.where(w > 0, 1 - p + p * w, 1.0), 0.0),
        }
        kept = cut["sg_ips" if key == "sg_dr" else key](weight, parameter)
        model = np.zeros_like(MODEL) if key in {"clipped_ips", "sg_ips"} else MODEL
        expected = float((POLICY * model + LOGGED * kept * (WORTH - model)).sum()) / 2
        assert misses(estimates(case, key, parameter), expected) < 4, parameter


@pytest.mark.parametrize("key", CUTTING)
def test_cutting_makes_less_noise(case: Case, key: str) -> None:
    grid = ESTIMATORS[key].grid
    spreads = [float(estimates(case, key, parameter).std()) for parameter in grid]
    assert spreads[-1] < 0.75 * spreads[0]
