"""Intervals against hand-computed cases and peers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, stats

from simulator.intervals import INTERVALS, Limits, exact_bounds
from simulator.statistic import Statistic
from simulator.totals import Totals


def mean_of(values: np.ndarray, weights: np.ndarray | None = None) -> Statistic:
    """A mean over users who decided once each."""
    totals = Totals(np.zeros((0, values.size)) if weights is None else weights, np.ones(values.size))
    totals.put("z", values)
    totals.put("n", np.ones(values.size))
    return Statistic.of(totals, "z").over(Statistic.of(totals, "n"))


def multinomial(users: int, resamples: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.multinomial(users, np.full(users, 1.0 / users), resamples).astype(np.float64)


def test_delta_of_four_users() -> None:
    # Mean 2.5; variance of the mean is the sample variance 5/3 over 4.
    bounds = INTERVALS["delta"].bounds(mean_of(np.array([1.0, 2.0, 3.0, 4.0])), 0.95, Limits())
    half = 1.959963985 * math.sqrt(5.0 / 12.0)
    assert (bounds.low, bounds.high) == pytest.approx((2.5 - half, 2.5 + half))


def test_percentiles_of_three_resamples() -> None:
    # Users 0 and 4, so resamples give 0, 2 and 4; at level 1/2 the ends are the 1st and 3rd of R + 1 = 4 parts.
    weights = np.array([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    bounds = INTERVALS["bootstrap"].bounds(mean_of(np.array([0.0, 4.0]), weights), 0.5, Limits())
    assert (bounds.low, bounds.high) == (0.0, 4.0)


def test_bootstrap_t_of_four_resamples() -> None:
    """Standard errors are √Σ w (z − mean)² / Σw, by hand: 1 is the mean of 0, 0 and 3.

    Three resamples of a 0 and four 3s have mean 2.4 and standard error √(2.4² + 4 · .6²) / 5; one repeats the log.
    """
    weights = np.array([[1.0, 1.0, 1.0]] + 3 * [[1.0, 0.0, 4.0]])
    statistic = mean_of(np.array([0.0, 0.0, 3.0]), weights)
    spread = math.sqrt(1.0 + 1.0 + 4.0) / 3.0
    far = 1.4 / (math.sqrt(2.4**2 + 4 * 0.6**2) / 5.0)
    # Order of (0, far, far, far): at level .6 the ends are at 1/5 and 4/5, which are the first and the last.
    bounds = INTERVALS["bootstrap_t"].bounds(statistic, 0.6, Limits())
    # The upper side would end at the estimate itself; it is the normal interval's instead.
    assert (bounds.low, bounds.high) == pytest.approx((1.0 - far * spread, 1.0 + stats.norm.ppf(0.8) * spread))


def test_bootstrap_t_of_resamples_without_a_reward() -> None:
    """(1, 2, 0) has mean 0 and no spread: infinitely far below, so the upper end has no limit."""
    weights = np.array([[1.0, 2.0, 0.0]] + 3 * [[1.0, 1.0, 1.0]])
    bounds = INTERVALS["bootstrap_t"].bounds(mean_of(np.array([0.0, 0.0, 3.0]), weights), 0.6, Limits())
    assert (bounds.low, bounds.high) == (None, None)


def test_bootstrap_t_is_students_for_normal_values() -> None:
    values = stats.norm.ppf((np.arange(20) + 0.5) / 20)
    bounds = INTERVALS["bootstrap_t"].bounds(mean_of(values, multinomial(20, 40_000, 1)), 0.9, Limits())
    assert (bounds.low, bounds.high) == pytest.approx(stats.t.interval(0.9, 19, 0.0, stats.sem(values)), rel=0.03)


def test_bca_as_scipy_does_it() -> None:
    values = np.random.default_rng(2).lognormal(0.0, 1.0, 60)
    ours = INTERVALS["bca"].bounds(mean_of(values, multinomial(60, 20_000, 4)), 0.95, Limits())
    theirs = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(5))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.02 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.02 * width)


def cheapest(values: np.ndarray, mean: float, others: np.ndarray | None = None) -> float:
    """−2 Σ log(U q) at its least over weights q of the given mean, by a general optimiser."""
    users = values.size
    rules = [{"type": "eq", "fun": lambda q: q.sum() - 1.0}, {"type": "eq", "fun": lambda q: q @ values - mean}]
    if others is not None:
        rules.append({"type": "eq", "fun": lambda q: q @ others})
    found = optimize.minimize(
        lambda q: -2.0 * np.sum(np.log(users * q)),
        np.full(users, 1.0 / users),
        jac=lambda q: -2.0 / q,
        bounds=[(1e-9, 1.0)] * users,
        constraints=rules,
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return float(found.fun)


def test_empirical_likelihood_ends_where_weights_get_too_uneven() -> None:
    values = np.array([0.1, 0.4, 0.5, 0.9, 1.3, 2.0, 2.2, 4.0])
    bounds = INTERVALS["empirical_likelihood"].bounds(mean_of(values), 0.9, Limits("n"))
    limit = stats.f.ppf(0.9, 1, 7)
    assert bounds.low is not None
    assert bounds.high is not None
    assert cheapest(values, bounds.low) == pytest.approx(limit, rel=1e-3)
    assert cheapest(values, bounds.high) == pytest.approx(limit, rel=1e-3)
    # The large value may be the rule and not the exception: longer above.
    assert bounds.high - values.mean() > values.mean() - bounds.low


def test_empirical_likelihood_knows_the_mean_weight() -> None:
    weights = np.array([0.0, 2.0, 0.0, 2.0, 0.0, 2.0, 2.0, 2.0, 0.0, 1.0])
    values = weights * np.array([0.0, 1.0, 0.0, 0.6, 0.0, 0.2, 0.9, 0.5, 0.0, 0.7])
    statistic = mean_of(values)
    statistic.totals.put("w", weights)
    known = INTERVALS["empirical_likelihood"].bounds(statistic, 0.9, Limits("n", ("w",)))
    limit = stats.f.ppf(0.9, 1, 9)
    weights_alone = cheapest(weights, 1.0)
    assert known.low is not None
    assert cheapest(values, known.low, weights - 1.0) - weights_alone == pytest.approx(limit, rel=1e-3)
    # More weight was drawn than expected, so the value is likely lower than it looks.
    unknowing = INTERVALS["empirical_likelihood"].bounds(statistic, 0.9, Limits("n"))
    assert unknowing.high is not None
    assert known.high is not None
    assert known.high < unknowing.high


def test_empirical_likelihood_of_weights_that_never_vary() -> None:
    statistic = mean_of(np.array([0.0, 1.0, 0.0, 1.0, 1.0]))
    statistic.totals.put("w", np.ones(5))
    with_weights = INTERVALS["empirical_likelihood"].bounds(statistic, 0.95, Limits("n", ("w",)))
    assert with_weights == INTERVALS["empirical_likelihood"].bounds(statistic, 0.95, Limits("n"))


def test_bernstein_by_its_formula() -> None:
    values = np.array([0.0, 1.0] * 500)
    limits = Limits("n", reward_low=0.0, reward_high=1.0, row_range=(0.0, 1.0))
    bounds = INTERVALS["empirical_bernstein"].bounds(mean_of(values), 0.95, limits)
    risk = math.log(3 / 0.05)
    half = math.sqrt(2 * values.var(ddof=1) * risk / 1000) + 7 * risk / (3 * 999)
    assert (bounds.low, bounds.high) == pytest.approx((0.5 - half, 0.5 + half))


def test_bernstein_of_users_with_several_decisions() -> None:
    """At its ends the excess is exactly what the bound allows."""
    random = np.random.default_rng(0)
    visits = random.integers(1, 4, 2000).astype(np.float64)
    totals = Totals(np.zeros((0, 2000)), np.ones(2000))
    totals.put("z", random.binomial(visits.astype(int), 0.4).astype(np.float64))
    totals.put("n", visits)
    limits = Limits("n", reward_low=0.0, reward_high=1.0, row_range=(0.0, 1.0))
    statistic = Statistic.of(totals, "z").over(Statistic.of(totals, "n"))
    bounds = INTERVALS["empirical_bernstein"].bounds(statistic, 0.95, limits)
    risk = math.log(3 / 0.05)
    for end in (bounds.low, bounds.high):
        assert end is not None
        excess = totals.column("z") - end * visits
        allowed = math.sqrt(2 * 2000 * excess.var(ddof=1) * risk) + 7 * 3 * 2000 * risk / (3 * 1999)
        assert abs(excess.sum()) == pytest.approx(allowed)


def test_betting_by_its_capital() -> None:
    """Five rewards of six at level 1/2: the lower end is where the mean of twelve products is 4."""
    statistic = mean_of(np.array([1.0, 1.0, 0.0, 1.0, 1.0, 1.0]))
    limits = Limits("n", reward_low=0.0, reward_high=1.0, row_range=(0.0, 1.0))
    bounds = INTERVALS["betting"].bounds(statistic, 0.5, limits)
    assert bounds.low is not None
    stakes = [0.9 * 0.5**place / bounds.low for place in range(12)]
    capital = np.mean([(1 + s * (1 - bounds.low)) ** 5 * (1 - s * bounds.low) for s in stakes])
    assert capital == pytest.approx(4.0, rel=1e-4)


def test_betting_needs_no_floor_for_weighted_rewards() -> None:
    random = np.random.default_rng(1)
    weights = np.where(random.random(4000) < 0.25, 4.0, 0.0)
    statistic = mean_of(weights * (random.random(4000) < 0.3))
    statistic.totals.put("w", weights)
    far = (0.0, math.inf)
    bounds = INTERVALS["betting"].bounds(statistic, 0.95, Limits("n", ("w",), 0.0, 1.0, far, far))
    assert bounds.low is not None
    assert bounds.high is not None
    assert 0.2 < bounds.low < 0.3 < bounds.high < 0.42


def test_betting_says_when_weights_cannot_be_right() -> None:
    weights = np.full(4000, 3.0)
    statistic = mean_of(weights * 0.9)
    statistic.totals.put("w", weights)
    limits = Limits("n", ("w",), 0.0, 1.0, (0.0, 4.0), (0.0, 4.0))
    assert "propensities" in (INTERVALS["betting"].bounds(statistic, 0.95, limits).reason or "")


def test_exact_bounds_of_nothing_seen() -> None:
    assert exact_bounds(False, 300.0, 0.95)[1] == pytest.approx(stats.beta.ppf(0.975, 1, 300))
    assert exact_bounds(True, 300.0, 0.95)[0] == pytest.approx(stats.beta.ppf(0.025, 300, 1))
