"""Many candidates, one log: what may be claimed of the best of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from threadpoolctl import threadpool_limits

from simulator.report.leaderboard import Standing, standing
from simulator.report.replay_report import Estimate
from simulator.sweep.halving import Halving, rung_fractions
from simulator.sweep.measured import Measured
from simulator.sweep.selection import best_of, critical_value, simultaneous
from simulator.sweep.standings import confirmed_row, ranked_rows


@pytest.fixture(autouse=True)
def one_thread():
    """Products of small matrices wait for one another's threads far longer than they take."""
    with threadpool_limits(1):
        yield


NONE = Estimate(None, None, None, 0.95, "bootstrap_t")


def measured(lift, deviation, studentised=(), verdict="trusted"):
    difference = Estimate(lift, lift - 2 * deviation, lift + 2 * deviation, 0.95, "bootstrap_t")
    return Measured(lift, deviation, np.array(studentised, dtype=float), verdict, (), difference, difference, NONE)


def test_the_joint_bound_is_the_quantile_of_the_largest():
    draws = np.random.default_rng(0).standard_normal((10, 20_000))
    independent = critical_value([measured(0.0, 1.0, row) for row in draws], 0.95)
    assert independent == pytest.approx(norm.ppf((1 + 0.95 ** (1 / 10)) / 2), abs=0.03)
    copies = critical_value([measured(0.0, 1.0, draws[0])] * 10, 0.95)
    assert copies == pytest.approx(norm.ppf(0.975), abs=0.03)


def test_rungs_share_the_level_and_those_who_dropped_out_count():
    draws = np.random.default_rng(1).standard_normal((5, 40_000))
    found = [measured(0.0, 1.0, row) for row in draws]
    half = critical_value(found, 0.95, rungs=2)
    assert half == pytest.approx(critical_value(found, 0.975), abs=1e-12)
    assert critical_value(found, 0.95, began=20) == pytest.approx(critical_value(found, 1 - 0.05 / 4), abs=1e-12)


def test_resamples_that_leave_candidates_undefined():
    draws = np.random.default_rng(2).standard_normal((4, 1000))
    draws[:, :10] = np.nan
    assert math.isfinite(critical_value([measured(0.0, 1.0, row) for row in draws], 0.95))
    draws[:, :100] = np.nan
    assert critical_value([measured(0.0, 1.0, row) for row in draws], 0.95) == math.inf
    draws = np.random.default_rng(3).standard_normal((4, 1000))
    draws[:, :40] = np.inf
    assert critical_value([measured(0.0, 1.0, row) for row in draws], 0.95) < 4.5
    draws[:, :80] = -np.inf
    assert critical_value([measured(0.0, 1.0, row) for row in draws], 0.95) == math.inf
    assert critical_value([Measured.failed("no", 0.95, "bootstrap_t")], 0.95) == pytest.approx(norm.ppf(0.975))


def test_the_surest_candidate_is_confirmed_not_the_luckiest():
    found = {
        "lucky": measured(3.0, 2.0),
        "sure": measured(1.0, 0.1),
        "refused": measured(9.0, 0.1, verdict="refused"),
        "same": measured(0.0, 0.0),
    }
    assert best_of(found, simultaneous(found, 3.0, 0.95)) == "sure"
    assert best_of(found, simultaneous(found, 3.0, 0.95, less=True)) is None
    worse = {"one": measured(-0.1, 1.0), "same": measured(0.0, 0.0)}
    assert best_of(worse, simultaneous(worse, 3.0, 0.95)) is None
    assert best_of(worse, simultaneous(worse, 3.0, 0.95, less=True)) == "one"


def test_halving_keeps_the_better_half_and_breaks_ties_by_order():
    asked = []

    def value(names, rung):
        asked.append((tuple(names), rung))
        return {name: measured(float(name in "cd"), 0.1) for name in names}

    rungs = Halving((0.25, 0.5, 1.0)).run(list("abcdef"), value)
    assert asked == [(tuple("abcdef"), 0), (("a", "c", "d"), 1), (("c", "d"), 2)]
    assert rungs[-1].kept == ("c", "d")


def test_rungs_grow_to_the_whole():
    assert rung_fractions(3, 0.5, 100) == (0.25, 0.5, 1.0)
    assert rung_fractions(0, 0.5, 3999) == (0.5, 1.0)
    assert rung_fractions(0, 0.5, 4000) == (0.25, 0.5, 1.0)


class Trials:
    """Users on whom each candidate's lift is known to have a mean of `truth`: what a log is to a sweep."""

    def __init__(self, seed, truth, users=400, resamples=400, skewed=False):
        random = np.random.default_rng(seed)
        k = len(truth)
        common = random.standard_normal((2 * users, 1))
        own = random.standard_normal((2 * users, k))
        noise = 0.6 * common + 0.8 * own
        if skewed:
            noise = (np.exp(0.8 * noise) - math.exp(0.32)) / math.sqrt(math.exp(1.28) - math.exp(0.64))
        self.terms = noise + np.asarray(truth)
        self.users, self.names = users, [f"c{number}" for number in range(k)]
        self.fractions = (0.25, 0.5, 1.0)
        self.weights = WEIGHTS[:resamples, :users]

    def rows(self, rung):
        return slice(0, round(self.fractions[rung] * self.users))

    def value(self, names, rung, rows=None):
        rows = self.rows(rung) if rows is None else rows
        columns = [self.names.index(name) for name in names]
        terms = self.terms[rows][:, columns]
        weights = self.weights[:, : len(terms)]
        n, drawn = len(terms), weights.sum(axis=1, keepdims=True)
        lift = terms.mean(axis=0)
        deviation = np.sqrt(((terms - lift) ** 2).sum(axis=0)) / n
        means = weights @ terms / drawn
        spread = np.sqrt(np.maximum(weights @ terms**2 - 2 * means * (weights @ terms) + means**2 * drawn, 0.0)) / drawn
        studentised = (means - lift) / spread
        found = {}
        bounds = np.quantile(studentised, [0.025, 0.975], axis=0, method="weibull").T.tolist()
        for place, name in enumerate(names):
            low, high = bounds[place]
            alone = Estimate(
                lift[place], lift[place] - high * deviation[place], lift[place] - low * deviation[place], 0.95, "t"
            )
            found[name] = Measured(
                float(lift[place]), float(deviation[place]), studentised[:, place], "trusted", (), alone, alone, NONE
            )
        return found

    def claims(self):
        """Run a selection; give the rows that are called better than today's, and the one confirmed."""
        rungs = Halving(self.fractions).run(self.names, self.value)
        chosen = best_of(rungs[-1].measured, rungs[-1].bounds)
        winner = None
        if chosen is not None:
            confirmed = self.value([chosen], 2, slice(self.users, 2 * self.users))[chosen]
            winner = confirmed_row(chosen, confirmed, "revenue", "dr", less=False)
        logged = measured(0.0, 0.0)
        rows = ranked_rows(rungs, logged, winner, {0: 1, 1: 1, 2: 1}, "revenue", "dr", 0.95, less=False)
        return [row.policy for row in rows if row.standing is Standing.BETTER], winner


WEIGHTS = np.random.default_rng(99).poisson(1.0, size=(400, 400)).astype(float)


@pytest.mark.parametrize("skewed", [False, True])
def test_among_many_candidates_like_todays_better_is_claimed_no_more_often_than_stated(skewed):
    runs = 1200
    any_better = confirmed = 0
    for seed in range(runs):
        better, winner = Trials(seed, [0.0] * 20, skewed=skewed).claims()
        any_better += bool(better)
        confirmed += winner is not None and winner.standing is Standing.BETTER
    # Either side of 95 % intervals: 2.5 % for what is confirmed, and as much again for all others together.
    assert any_better <= 0.05 * runs + 3 * math.sqrt(0.05 * 0.95 * runs)
    assert confirmed <= 0.025 * runs + 3 * math.sqrt(0.025 * 0.975 * runs)


def test_looking_at_each_candidate_alone_would_claim_far_too_often():
    claimed = 0
    for seed in range(200):
        trials = Trials(seed, [0.0] * 20)
        found = trials.value(trials.names, 2)
        claimed += any(standing("trusted", one.difference) is Standing.BETTER for one in found.values())
    assert claimed > 0.15 * 200


def test_a_candidate_that_is_better_is_found():
    found = 0
    for seed in range(200):
        _, winner = Trials(seed, [*[0.0] * 9, 0.3, *[0.0] * 10]).claims()
        found += winner is not None and winner.policy == "c9" and winner.standing is Standing.BETTER
    assert found >= 0.9 * 200


def test_of_the_winner_no_number_is_shown_that_chose_it():
    _, winner = Trials(5, [0.3] * 3).claims()
    trials = Trials(5, [0.3] * 3)
    selected = trials.value([winner.policy], 2)[winner.policy]
    assert winner.lift.value != selected.lift
    rows = [row for row in ranked_rows(
        Halving(trials.fractions).run(trials.names, trials.value), measured(0.0, 0.0), winner, {0: 1, 1: 1, 2: 1},
        "revenue", "dr", 0.95, less=False,
    ) if row.policy == winner.policy]  # fmt: skip
    assert rows == [winner]


def test_measured_goes_through_json():
    one = measured(0.5, 0.1, [0.25, math.nan, math.inf, -math.inf])
    again = Measured.from_json(one.to_json())
    np.testing.assert_array_equal(again.studentised, one.studentised)
    assert again.to_json() == one.to_json()
    assert Measured.from_json(Measured.failed("no", 0.95, "t").to_json()).reasons == ("no",)
