"""What holds for every interval, whatever its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from simulator.intervals import INTERVALS, Bounds, Interval, Limits
from simulator.statistic import Statistic
from simulator.totals import Totals

USERS, RESAMPLES, RANGE = 400, 300, (0.0, 4.0)
LIMITS = Limits("n", ("w",), 0.0, 1.0, RANGE, RANGE)
SAMPLE = np.random.default_rng(5)
VISITS = SAMPLE.geometric(0.6, USERS).astype(np.float64)
WEIGHTS = 4.0 * SAMPLE.binomial(VISITS.astype(int), 0.25)
REWARDS = 4.0 * SAMPLE.binomial((WEIGHTS / 4.0).astype(int), 0.3)
DRAWS = SAMPLE.poisson(1.0, (RESAMPLES, USERS)).astype(np.float64)


def ips(
    multiplicity: np.ndarray | None = None, scale: float = 1.0, order: Sequence[int] | slice = slice(None)
) -> Statistic:
    totals = Totals(DRAWS[:, order], np.ones(USERS) if multiplicity is None else multiplicity)
    for key, column in (("z", scale * REWARDS), ("n", VISITS), ("w", WEIGHTS)):
        totals.put(key, column[order])
    return Statistic.of(totals, "z").over(Statistic.of(totals, "n"))


def ends(bounds: Bounds) -> tuple[float, float]:
    assert bounds.reason is None
    assert bounds.low is not None
    assert bounds.high is not None
    return bounds.low, bounds.high


@pytest.fixture(params=list(INTERVALS))
def interval(request: pytest.FixtureRequest) -> Interval:
    return INTERVALS[request.param]


def test_they_say_what_they_are(interval: Interval) -> None:
    assert INTERVALS[interval.name] is interval
    assert len(interval.adaptive.split()) > 5
    assert interval.resampled == interval.name.startswith(("bootstrap", "bca"))
    assert interval.by_user == (interval.name in ("betting", "empirical_bernstein"))


def test_estimate_is_inside_and_a_higher_level_is_wider(interval: Interval) -> None:
    statistic = ips()
    low, high = ends(interval.bounds(statistic, 0.9, LIMITS))
    lower, higher = ends(interval.bounds(statistic, 0.99, LIMITS))
    assert lower <= low <= statistic.point <= high <= higher
    assert higher - lower > high - low


def test_a_bucket_that_stands_for_three_is_three_buckets(interval: Interval) -> None:
    """The three draw alike here, so that even resamples agree."""
    times = np.where(np.arange(USERS) % 5 == 0, 3, 1)
    short = ips(times.astype(np.float64))
    order = np.repeat(np.arange(USERS), times)
    long = Statistic.of(totals := _spelled_out(order), "z").over(Statistic.of(totals, "n"))
    assert long.point == pytest.approx(short.point)
    assert ends(interval.bounds(short, 0.95, LIMITS)) == pytest.approx(
        ends(interval.bounds(long, 0.95, LIMITS)), rel=1e-5
    )


def _spelled_out(order: np.ndarray) -> Totals:
    totals = Totals(DRAWS[:, order], np.ones(order.size))
    for key, column in (("z", REWARDS), ("n", VISITS), ("w", WEIGHTS)):
        totals.put(key, column[order])
    return totals


def test_money_in_cents_has_a_hundred_times_the_bounds(interval: Interval) -> None:
    in_cents = replace(LIMITS, reward_high=100.0, row_range=(0.0, 400.0), mirror_range=(0.0, 400.0))
    whole, cents = interval.bounds(ips(), 0.95, LIMITS), interval.bounds(ips(scale=100.0), 0.95, in_cents)
    assert ends(cents) == pytest.approx(tuple(100.0 * end for end in ends(whole)), rel=1e-5)


def test_order_of_users_does_not_matter(interval: Interval) -> None:
    turned = list(range(USERS))[::-1]
    there, back = interval.bounds(ips(), 0.95, LIMITS), interval.bounds(ips(order=turned), 0.95, LIMITS)
    assert ends(there) == pytest.approx(ends(back), rel=1e-6)


def test_a_single_user_gives_none_and_says_why(interval: Interval) -> None:
    totals = Totals(np.ones((RESAMPLES, 1)), np.ones(1))
    for key, value in (("z", 1.0), ("n", 2.0), ("w", 2.0)):
        totals.put(key, np.array([value]))
    statistic = Statistic.of(totals, "z").over(Statistic.of(totals, "n"))
    bounds = interval.bounds(statistic, 0.95, LIMITS)
    if interval.name == "betting":
        # A bettor may bet on one user, if to little avail.
        assert ends(bounds)[1] - ends(bounds)[0] > 0.9
    else:
        assert (bounds.low, bounds.high) == (None, None)
        assert bounds.reason


def test_bounded_methods_take_no_bound_from_the_sample() -> None:
    statistic = ips()
    for name in ("empirical_bernstein", "betting"):
        nothing = INTERVALS[name].bounds(statistic, 0.95, Limits("n", ("w",)))
        assert nothing.low is None
        assert "--reward-max" in (nothing.reason or "")
    no_floor = replace(LIMITS, row_range=(0.0, np.inf), mirror_range=(0.0, np.inf))
    bernstein = INTERVALS["empirical_bernstein"].bounds(statistic, 0.95, no_floor)
    assert "floor" in (bernstein.reason or "")
    no_mirror = replace(no_floor, row_range=(-np.inf, np.inf), mirror_range=None)
    assert "floor" in (INTERVALS["betting"].bounds(statistic, 0.95, no_mirror).reason or "")


def test_undefined_resamples_leave_no_interval() -> None:
    totals = Totals(np.zeros((100, 2)), np.ones(2))
    for key in ("z", "n"):
        totals.put(key, np.array([1.0, 2.0]))
    statistic = Statistic.of(totals, "z").over(Statistic.of(totals, "n"))
    for name in ("bootstrap", "bootstrap_t", "bca"):
        assert INTERVALS[name].bounds(statistic, 0.95, LIMITS).reason == "too few users to say how far off it is"
