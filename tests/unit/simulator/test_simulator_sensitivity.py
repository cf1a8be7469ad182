from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.sensitivity import difference_band, largest_gamma, sensitivity_band

Case = tuple[FloatArray, FloatArray, FloatArray, FloatArray]


def case(seed: int, n: int = 8) -> Case:
    rng = np.random.default_rng(seed)
    propensity = rng.uniform(0.1, 1.0, n)
    policy = rng.uniform(0.0, 1.0, n) * (rng.random(n) < 0.8)
    reward = rng.choice([0.0, 0.0, 1.0, -2.0, 3.5], n)
    return policy / propensity, propensity, reward, rng.integers(1, 4, n).astype(np.float64)


def by_brute_force(which: Case, gamma: float, self_normalised: bool) -> tuple[float, float]:
    """Try every row at both ends; an extremum of a ratio of linear functions lies on a corner."""
    weight, propensity, reward, count = which
    values = []
    for ends in product((1.0 / gamma, gamma), repeat=weight.size):
        moved = weight * propensity * (1.0 + np.array(ends) * (1.0 / propensity - 1.0))
        bottom = float(np.sum(count * moved)) if self_normalised else float(count.sum())
        values.append(float(np.sum(count * moved * reward)) / bottom)
    return min(values), max(values)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("gamma", [1.0, 1.3, 4.0])
@pytest.mark.parametrize("self_normalised", [True, False])
def test_extremes_by_brute_force(seed: int, gamma: float, self_normalised: bool) -> None:
    which = case(seed)
    weight, propensity, reward, count = which
    if not weight.any():
        pytest.skip("no row has weight")
    found = sensitivity_band(weight, propensity, reward, gamma, count=count, self_normalised=self_normalised)
    assert found == pytest.approx(by_brute_force(which, gamma, self_normalised), rel=1e-12, abs=1e-12)


def test_interior_points_stay_inside() -> None:
    weight, propensity, reward, _ = case(3, n=40)
    low, high = sensitivity_band(weight, propensity, reward, 2.0)
    rng = np.random.default_rng(0)
    for _ in range(200):
        odds = np.exp(rng.uniform(-np.log(2.0), np.log(2.0), 40)) * propensity / (1.0 - propensity)
        true = odds / (1.0 + odds)
        moved = weight * propensity / true
        assert low <= np.sum(moved * reward) / np.sum(moved) <= high


def test_gamma_one_is_the_estimate_itself() -> None:
    weight, propensity, reward, count = case(1)
    value = np.sum(count * weight * reward) / np.sum(count * weight)
    assert sensitivity_band(weight, propensity, reward, 1.0, count=count) == pytest.approx((value, value))


def test_certain_draws_cannot_be_off() -> None:
    ones, reward = np.ones(3), np.array([0.0, 1.0, 5.0])
    assert sensitivity_band(ones, ones, reward, 10.0) == pytest.approx((2.0, 2.0))


def test_by_hand() -> None:
    # Weights at z = 1/3: 1/2 + 1/2/3·... with p = 1/2, π = 1: 1 + z; so 4/3 or 4. Rewards 1 and 0.
    weight, propensity, reward = np.array([2.0, 2.0]), np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert sensitivity_band(weight, propensity, reward, 3.0) == pytest.approx((0.25, 0.75))
    ips = sensitivity_band(weight, propensity, reward, 3.0, self_normalised=False)
    assert ips == pytest.approx((2 / 3, 2.0))


def test_difference_shares_the_propensities() -> None:
    weight, propensity, reward, _ = case(5)
    assert difference_band(weight, weight, propensity, reward, 5.0) == (0.0, 0.0)
    low, high = difference_band(1.5 * weight, weight, propensity, np.abs(reward), 5.0)
    own = sensitivity_band(weight, propensity, np.abs(reward), 5.0, self_normalised=False)
    assert (low, high) == pytest.approx((own[0] / 2, own[1] / 2))


def test_no_weight_at_all() -> None:
    assert all(np.isnan(sensitivity_band(np.zeros(2), np.full(2, 0.5), np.ones(2), 2.0)))


def test_largest_gamma() -> None:
    weight, propensity, reward = np.array([2.0, 2.0]), np.array([0.5, 0.5]), np.array([1.0, 0.0])

    def lift(gamma: float) -> tuple[float, float]:
        low, high = sensitivity_band(weight, propensity, reward, gamma)
        return low - 0.25, high - 0.25

    # At Γ the least value is (1 + 1/Γ) / ((1 + 1/Γ) + (1 + Γ)) = 1 / (1 + Γ), which is 1/4 at Γ = 3.
    assert largest_gamma(lift) == pytest.approx(3.0)
    assert largest_gamma(lambda gamma: (1.0, 2.0)) == 100.0
    assert largest_gamma(lambda gamma: (-1.0, 2.0)) == 1.0
    assert largest_gamma(lambda gamma: (-2.0, gamma - 2.0)) == pytest.approx(2.0)


def test_refuses_a_factor_below_one() -> None:
    with pytest.raises(InvalidInput, match="expected a factor of 1 or more"):
        sensitivity_band(np.ones(1), np.ones(1), np.ones(1), 0.5)


def test_band_holds_the_truth_that_a_hidden_cause_hides() -> None:
    """Who is shown the arm depends on something the context lacks, which moves the odds by 2 and the reward."""
    rng = np.random.default_rng(0)
    n = 40_000
    hidden, score = rng.random(n) < 0.5, np.log(0.3 / 0.7) + rng.random(n) - 0.5
    apart = np.log(2.0)
    played = rng.random(n) < 1.0 / (1.0 + np.exp(-(score + np.where(hidden, apart, -apart))))
    reward = (rng.random(n) < np.where(hidden, 0.3, 0.1)).astype(np.float64)
    # What a model of the logging policy sees at best: the propensity averaged over what is hidden.
    seen = 0.5 / (1.0 + np.exp(-(score + apart))) + 0.5 / (1.0 + np.exp(-(score - apart)))
    weight = played / seen
    assert np.sum(weight * reward) / weight.sum() > 0.2 + 0.03, "the truth is 0.2"
    low, high = sensitivity_band(weight, seen, reward, 2.2)
    assert low < 0.2 < high
