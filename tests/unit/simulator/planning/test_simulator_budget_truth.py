"""Budget curves against a shop whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log, ReplaySettings
from simulator.budget import budget
from simulator.budget.channel import Channel
from simulator.budget.marginal import marginal
from simulator.clusters import Clusters
from simulator.quantities import Quantities
from simulator.report.budget_svg import budget_svg
from simulator.thresholds import Thresholds

ARMS = ["hold", "a/email/am", "b/sms/am", "c/sms/pm"]
P = np.array([[0.2, 0.5, 0.2, 0.1], [0.2, 0.2, 0.3, 0.3]])
#: Chance to buy, by context and arm, the mean of a purchase, and the price of a send.
BUYS = np.array([[0.05, 0.09, 0.10, 0.12], [0.05, 0.10, 0.22, 0.16]])
BASKET, COST = 20.0, np.array([0.0, 0.02, 0.5, 0.8])
ON = np.array([0.0, 0.0, 1.0, 1.0])

Make = Callable[..., Log]


def shop(make_log: Make, drawn: Callable[..., np.ndarray], seed: int, users: int) -> Log:
    """Three decisions a user, whose taste for buying ties them together."""
    random = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), 3)
    x = random.integers(2, size=user.size)
    taste = random.uniform(-0.05, 0.05, size=users)[user]
    arm = drawn(random, P[x])
    bought = random.random(user.size) < BUYS[x, arm] + taste
    outcomes = {"purchase": bought * random.exponential(BASKET, size=user.size), "cost": COST[arm]}
    return make_log(ARMS, P[x], arm, user, outcomes, context={"x": x})


def truth(strength: float) -> tuple[float, float]:
    """Spend on the channel and profit, each per decision, of the re-priced policy."""
    tilted = P * np.exp(strength * ON)
    tilted /= tilted.sum(axis=1, keepdims=True)
    return float((tilted @ (ON * COST)).mean()), float((tilted * (BASKET * BUYS - COST)).sum(axis=1).mean())


def true_marginal() -> float:
    step = 1e-5
    (less, low), (more, high) = truth(-step), truth(step)
    return (high - low) / (more - less)


def strength_of(spend: float) -> float:
    low, high = -20.0, 20.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if truth(middle)[0] < spend else (low, middle)
    return low


def test_intervals_of_the_marginal_value_cover_the_truth(make_log: Make, drawn: Callable[..., np.ndarray]) -> None:
    runs, covered, values = 400, 0, []
    for seed in range(runs):
        log = shop(make_log, drawn, seed, 700)
        quantities = Quantities(log)
        profit = quantities["revenue"] - quantities["cost"]
        found = marginal(Channel.of(log, "sms"), profit, Clusters.of(log), 0.95, Thresholds())
        assert found.value is not None
        covered += (found.low or 0.0) <= true_marginal() <= (found.high or 0.0)
        values.append(found.value)
    # 400 logs: 95 % is within these bounds but once in thousands of draws.
    assert 0.91 <= covered / runs <= 0.985
    assert np.mean(values) == pytest.approx(true_marginal(), abs=4 * np.std(values) / runs**0.5)


@pytest.mark.slow
def test_intervals_of_the_curve_cover_the_truth(make_log: Make, drawn: Callable[..., np.ndarray]) -> None:
    """Also when the spend that was asked for is relative to what the log itself spent."""
    runs, changes = 60, (-0.4, -0.1, 0.2, 0.6)
    covered, today = np.zeros(len(changes)), truth(0.0)
    settings = ReplaySettings(interval="delta")
    for seed in range(runs):
        made = budget(shop(make_log, drawn, 1000 + seed, 1500), "sms", changes=changes, settings=settings)
        for place, change in enumerate(changes):
            point = made.at(change)
            assert point.supported
            assert point.spend.value == pytest.approx((1 + change) * made.spent, rel=2e-3)
            gain = truth(strength_of((1 + change) * today[0]))[1] - today[1]
            covered[place] += (point.gain.low or 0.0) <= gain <= (point.gain.high or 0.0)
    # 240 intervals in all, of which those of one log go together.
    assert covered.sum() / (runs * len(changes)) >= 0.89
    assert np.all(covered / runs >= 0.83)


@pytest.fixture(scope="module")
def large(make_log: Make, drawn: Callable[..., np.ndarray]) -> Log:
    return shop(make_log, drawn, 77, 8000)


def test_the_curve(large: Log) -> None:
    made = budget(large, "sms", settings=ReplaySettings(interval="delta"))
    assert made.spent == pytest.approx(truth(0.0)[0], rel=0.03)
    assert made.most == pytest.approx(truth(30.0)[0], rel=0.05)
    today, half = made.at(0.0), made.at(0.5)
    assert (today.gain.value, today.strength, today.simulated) == (0.0, 0.0, None)
    assert today.profit.value == pytest.approx(truth(0.0)[1], abs=0.1)
    assert half.strength == pytest.approx(strength_of(1.5 * made.spent), abs=0.05)
    tilted = P * np.exp((half.strength or 0.0) * ON)
    assert half.sends.value == pytest.approx(1 - (tilted[:, 0] / tilted.sum(axis=1)).mean(), abs=0.01)
    assert made.marginal.verdict.value == "trusted"
    # Close to today's spend the curve runs along the marginal value.
    near = budget(large, "sms", changes=[0.01], settings=ReplaySettings(interval="delta")).at(0.01)
    assert (near.gain.value or 0.0) / (0.01 * made.spent) == pytest.approx(made.marginal.value or 0.0, rel=0.05)


def test_beyond_what_the_log_can_play_there_is_no_policy(large: Log) -> None:
    made = budget(large, "sms", changes=[0.2, 3.0], settings=ReplaySettings(interval="delta"))
    beyond = made.at(3.0)
    assert beyond.strength is None
    assert not beyond.supported
    assert beyond.gain.value is None
    assert "at most" in beyond.verdict.reasons[0]


def test_the_curve_ends_where_a_replay_is_refused(large: Log) -> None:
    """Beyond its end only the model speaks, and says so."""
    asked = {"changes": [0.2, 0.6, 0.9], "settings": ReplaySettings(interval="delta")}
    whole = budget(large, "sms", **asked)  # type: ignore[arg-type]
    assert all(point.supported and point.simulated is None for point in whole.points)
    report = whole.at(0.6).report
    assert report is not None
    limits = Thresholds(refused_user_ess=report.diagnostics.user_ess * 1.01)
    asked["settings"] = ReplaySettings(interval="delta", thresholds=limits)
    ended = budget(large, "sms", **asked)  # type: ignore[arg-type]
    assert [point.supported for point in ended.points] == [True, True, False, False]
    for change in (0.6, 0.9):
        guessed = ended.at(change)
        truly = truth(guessed.strength or 0.0)[1] - truth(0.0)[1]
        assert guessed.simulated == pytest.approx(truly, abs=0.15)
        assert guessed.to_json()["simulated"]["label"] == "simulated, not evidence"
    assert "simulated, not evidence" in budget_svg(ended)
    assert "simulated, not evidence" not in budget_svg(whole)
    assert "cannot tell" in budget(large, "sms", changes=[0.6], settings=asked["settings"]).summary  # type: ignore[arg-type]


def test_it_rests_on_what_differs(large: Log) -> None:
    """Of few rewarded users with another weight no difference is told, however many there are in all."""
    point = budget(large, "sms", changes=[0.2], settings=ReplaySettings(interval="delta")).at(0.2)
    channel, clusters, quantities = Channel.of(large, "sms"), Clusters.of(large), Quantities(large)
    weight = channel.weight(point.strength or 0.0)
    assert channel.repriced(point.strength or 0.0).mean() == pytest.approx((weight * channel.taken).mean(), rel=0.02)
    apart = np.bincount(large.user, np.abs((weight - 1) * (quantities["revenue"] - quantities["cost"])))
    assert point.gain_ess == pytest.approx(apart.sum() ** 2 / (apart**2).sum())
    limits = Thresholds(refused_reward_ess=(point.gain_ess or 0.0) + 1, refused_user_ess=1.0)
    refused = budget(large, "sms", changes=[0.2], settings=ReplaySettings(interval="delta", thresholds=limits)).at(0.2)
    assert not refused.supported
    assert clusters.size == 8000


@pytest.mark.parametrize(
    ("channel", "change", "words"),
    [("smss", 0.1, "did you mean 'sms'"), ("sms", -1.0, "above −100 %"), ("email", float("nan"), "above −100 %")],
)
def test_bad_questions_name_the_remedy(channel: str, change: float, words: str, large: Log) -> None:
    with pytest.raises(InvalidInput, match=words):
        budget(large, channel, changes=[change])


def test_a_log_without_probabilities_or_costs_is_refused(large: Log) -> None:
    few = large.take(np.arange(300))
    bare = few.probabilities.copy()
    bare[few.offsets[7] + (few.chosen[7] + 1) % 4] = np.nan
    with pytest.raises(InvalidInput, match="probabilities of all eligible arms"):
        budget(replace(few, probabilities=bare), "sms")
    free = replace(few, outcomes=few.outcomes.keep(few.outcomes.kind == few.outcomes.kinds.index("purchase")))
    with pytest.raises(InvalidInput, match="report what its sends cost"):
        budget(free, "sms")
