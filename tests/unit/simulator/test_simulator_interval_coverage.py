"""How often intervals hold the truth, on small logs; `make bench-coverage` measures it on large ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from simulator.intervals import INTERVALS, Limits
from simulator.statistic import Statistic
from simulator.totals import Totals

LIMITS = Limits("n", ("w",), 0.0, 1.0, (0.0, 5.0), (0.0, 5.0))


def ips(rewards: np.ndarray, weights: np.ndarray, user: np.ndarray, draws: np.ndarray | None = None) -> Statistic:
    users = int(user.max()) + 1
    totals = Totals(np.zeros((0, users)) if draws is None else draws, np.ones(users))
    for key, values in (("z", rewards * weights), ("n", np.ones_like(weights)), ("w", weights)):
        totals.add(key, user, values)
    return Statistic.of(totals, "z").over(Statistic.of(totals, "n"))


def holds(name: str, statistic: Statistic, truth: float, level: float = 0.95, limits: Limits = LIMITS) -> bool:
    bounds = INTERVALS[name].bounds(statistic, level, limits)
    return bounds.low is not None and bounds.high is not None and bounds.low <= truth <= bounds.high


@pytest.mark.parametrize("name", [name for name in INTERVALS if name not in ("betting", "empirical_bernstein")])
def test_clicks_of_users_with_a_taste(name: str) -> None:
    """At level 90 %, 200 logs: a true 90 % stays in these bounds but once in ten thousand draws."""
    random = np.random.default_rng(11)
    user = np.repeat(np.arange(300), 1 + np.arange(300) % 3)
    held = 0
    for _ in range(200):
        likes = random.choice([0.1, 0.5], 300)[user]
        weights = np.where(random.random(user.size) < 0.4, 2.5, 0.0)
        rewards = (random.random(user.size) < likes).astype(np.float64)
        statistic = ips(rewards, weights, user, random.poisson(1.0, (150, 300)).astype(np.float64))
        held += holds(name, statistic, 0.3, 0.9)
    assert 0.81 < held / 200 < 0.97


@pytest.mark.parametrize("name", ["betting", "empirical_bernstein"])
def test_bounded_methods_hold_for_rare_rewards_and_few_users(name: str) -> None:
    """Where a log shows one reward or none, the delta interval is off every other time, and these are not."""
    random = np.random.default_rng(12)
    held = {name: 0, "delta": 0}
    for _ in range(200):
        weights = np.where(random.random(200) < 0.2, 5.0, 0.0)
        statistic = ips((random.random(200) < 0.02).astype(np.float64), weights, np.arange(200))
        for each in held:
            held[each] += holds(each, statistic, 0.02)
    assert held[name] >= 0.95 * 200
    assert held["delta"] < 0.75 * 200


def adaptive_log(random: np.random.Generator, users: int, visits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rewards and weights of arm 1 for users who come round in turns; what is played follows what has earned more.

    Users like either arm with a chance of their own, .05 or .55, so a user's rows go together, and the probabilities
    of later rows depend on earlier rewards of the same user and of others.
    """
    likes = random.choice([0.05, 0.55], users)
    earned, played = np.ones(2), np.full(2, 3.0)
    rows: list[tuple[float, float, int]] = []
    for turn in range(users * visits):
        user = turn % users
        chance = 0.8 if earned[1] / played[1] > earned[0] / played[0] else 0.2
        arm = int(random.random() < chance)
        reward = float(random.random() < likes[user])
        earned[arm], played[arm] = earned[arm] + reward, played[arm] + 1.0
        rows.append((reward, arm / chance, user))
    rewards, weights, user_of = zip(*rows, strict=True)
    return np.array(rewards), np.array(weights), np.array(user_of)


def test_betting_survives_adaptive_logging() -> None:
    random = np.random.default_rng(13)
    logs = [ips(*adaptive_log(random, 60, 3)) for _ in range(200)]
    assert sum(holds("betting", log, 0.3, 0.8) for log in logs) >= stats.binom.ppf(0.0001, 200, 0.8)
    # It is no empty promise: the interval leaves out values that are far off.
    assert sum(holds("betting", log, 0.75, 0.8) for log in logs) < 20


def test_betting_may_be_looked_at_at_any_time() -> None:
    """Users come in one by one, and a log fails if the truth is left out at any of many looks."""
    random = np.random.default_rng(14)
    looks, failed, fixed = (20, 40, 80, 160, 320, 640), 0, 0
    for _ in range(100):
        weights = np.where(random.random(looks[-1]) < 0.2, 5.0, 0.0)
        rewards = (random.random(looks[-1]) < 0.4).astype(np.float64)
        seen = [ips(rewards[:n], weights[:n], np.arange(n)) for n in looks]
        failed += not all(holds("betting", log, 0.4, 0.9) for log in seen)
        fixed += not all(holds("delta", log, 0.4, 0.9) for log in seen)
    assert failed <= stats.binom.ppf(0.9999, 100, 0.1)
    assert fixed > stats.binom.ppf(0.9999, 100, 0.1)


def test_bootstrap_t_holds_skewed_money_where_percentiles_do_not() -> None:
    random = np.random.default_rng(15)
    held = {"bootstrap": 0, "bootstrap_t": 0}
    for _ in range(400):
        spent = random.lognormal(-0.5, 1.0, 40)
        statistic = ips(spent, np.ones(40), np.arange(40), random.poisson(1.0, (200, 40)).astype(np.float64))
        for name in held:
            held[name] += holds(name, statistic, 1.0)
    assert held["bootstrap_t"] > held["bootstrap"] + 12
    assert held["bootstrap_t"] >= 0.91 * 400
