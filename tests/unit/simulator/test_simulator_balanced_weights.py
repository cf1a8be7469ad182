from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator import Log
from simulator.arrays import FloatArray
from simulator.balanced_weights import BalancedWeights, Pairs, drawn_places
from simulator.estimators import ESTIMATORS, Case
from simulator.keyed_hash import mix

ARMS, FEATURES, FOLDS = 5, 3, 3


def softmax(scores: FloatArray) -> FloatArray:
    grown = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def drawn(random: np.random.Generator, chances: FloatArray) -> FloatArray:
    return (chances.cumsum(axis=1) < random.random((len(chances), 1))).sum(axis=1).clip(max=ARMS - 1)


class World:
    """A log that sends by context, and a policy that sends otherwise."""

    def __init__(self, seed: int, decisions: int, sharpness: float) -> None:
        taste, habit = np.random.default_rng(5).standard_normal((2, ARMS, FEATURES))
        random = np.random.default_rng(seed)
        self.x = random.standard_normal((decisions, FEATURES))
        appeal = self.x @ taste.T / 2
        worth = 1 / (1 + np.exp(1 - 2 * appeal))
        self.logged = 0.9 * softmax(self.x @ habit.T) + 0.1 / ARMS
        best = (appeal == appeal.max(axis=1, keepdims=True)).astype(np.float64)
        self.policy = best if np.isinf(sharpness) else softmax(sharpness * appeal)
        self.truth = float((self.policy * worth).sum(axis=1).mean())
        self.row = np.arange(decisions)
        self.arm, self.other = drawn(random, self.logged), drawn(random, self.policy)
        self.reward = (random.random(decisions) < worth[self.row, self.arm]).astype(np.float64)
        self.fold = self.row % FOLDS
        self.key = mix(self.row.astype(np.uint64))

    @property
    def ratio(self) -> FloatArray:
        return np.asarray(self.policy[self.row, self.arm] / self.logged[self.row, self.arm])

    def pairs(self, arm: FloatArray) -> Pairs:
        return Pairs(self.x, arm, self.policy[self.row, arm])

    def weights(self, chunks: int = 1, most: int = 20_000) -> FloatArray:
        model = BalancedWeights(most=most)
        for rows in np.array_split(self.row, chunks):
            logged, other = self.pairs(self.arm).take(rows), self.pairs(self.other).take(rows)
            model.add(logged, other, self.fold[rows], np.ones(rows.size, dtype=np.int64), self.key[rows])
        model.fit()
        return model.weights(self.pairs(self.arm), self.fold)


def value(weight: FloatArray, reward: FloatArray) -> float:
    (ratio,) = ESTIMATORS["bipw"].terms(Case(weight, reward, balanced=weight), np.inf)
    assert ratio.denominator is not None
    return float(ratio.numerator.sum() / ratio.denominator.sum())


@pytest.mark.parametrize("sharpness", [2.0, np.inf])
def test_value_is_near_the_truth_without_propensities(sharpness: float) -> None:
    balanced, plain = [], []
    for seed in range(3):
        world = World(seed, 2500, sharpness)
        balanced.append(value(world.weights(), world.reward) - world.truth)
        plain.append(world.reward.mean() - world.truth)
    assert abs(np.mean(plain)) > 0.1, "the log would have to differ for this to be a test"
    assert abs(np.mean(balanced)) < 0.15 * abs(np.mean(plain))


def test_weights_are_those_of_the_true_propensities_but_for_noise() -> None:
    world = World(0, 6000, 2.0)
    weights = world.weights()
    assert weights.mean() == pytest.approx(1.0, abs=0.1)
    assert np.corrcoef(weights, world.ratio)[0, 1] > 0.8


def test_pairs_that_the_policy_never_plays_weigh_nothing() -> None:
    world = World(0, 600, np.inf)
    never = world.policy[world.row, world.arm] == 0.0
    weights = world.weights()
    assert never.any()
    assert (weights[never] == 0.0).all()
    assert (weights[~never] > 0.0).all()


def test_chunks_do_not_matter() -> None:
    world = World(1, 900, 2.0)
    np.testing.assert_array_equal(world.weights(chunks=1, most=400), world.weights(chunks=4, most=400))


def test_a_row_is_weighed_by_a_classifier_that_has_not_seen_it() -> None:
    """What its own fold would have drawn changes nothing for a row."""
    world = World(2, 600, 2.0)
    before = world.weights()
    own = world.fold == 1
    world.other = np.where(own, (world.other + 1) % ARMS, world.other)
    after = world.weights()
    np.testing.assert_array_equal(after[own], before[own])
    assert not np.allclose(after[~own], before[~own])


def test_counts_weigh() -> None:
    """The log plays arm 0 three times as often by its counts, the policy each half the time: 2/3 and 2."""
    rows = np.arange(800)
    logged, other = rows // 2 % 2, rows % 2
    count = np.where(logged == 0, 3, 1)
    context, target, fold = np.zeros((rows.size, 1)), np.full(rows.size, 0.5), rows // 4 % 2
    model = BalancedWeights()
    pairs = Pairs(context, logged, target)
    model.add(pairs, Pairs(context, other, target), fold, count, mix(rows.astype(np.uint64)))
    model.fit()
    weights = model.weights(pairs, fold)
    assert weights[logged == 0] == pytest.approx(2 / 3, rel=0.05)
    assert weights[logged == 1] == pytest.approx(2.0, rel=0.05)


def test_nothing_to_fit_on() -> None:
    empty = Pairs(np.zeros((1, 1)), np.zeros(1, dtype=np.int64), np.ones(1))
    with pytest.raises(ValueError, match="call fit"):
        BalancedWeights().weights(empty, np.zeros(1, dtype=np.int64))
    with pytest.raises(ValueError, match="got none"):
        BalancedWeights().fit()


def test_arms_beyond_the_classifiers_categories() -> None:
    random = np.random.default_rng(0)
    arm, other = random.integers(400, size=(2, 1000))
    model = BalancedWeights()
    context, target = np.zeros((1000, 1)), np.full(1000, 1 / 400)
    fold, count = np.arange(1000) % 2, np.ones(1000, dtype=np.int64)
    model.add(
        Pairs(context, arm, target), Pairs(context, other, target), fold, count, mix(np.arange(1000, dtype=np.uint64))
    )
    model.fit()
    unseen = Pairs(context, np.full(1000, 5000), target)
    assert np.isfinite(model.weights(unseen, fold)).all()


def test_draws_follow_the_policy(log_of: Callable[..., Log]) -> None:
    eligible = (["a", "b", "c"], ["b"], ["c", "a"])
    log = log_of(
        {"arm": arms[0], "eligible": arms, "propensity": 1 / len(arms)} for _ in range(2000) for arms in eligible
    )
    chances = np.tile([0.2, 0.5, 0.3, 1.0, 0.0, 1.0], 2000)
    places = drawn_places(log, chances, np.random.default_rng(0).random(log.rows)).reshape(2000, 3)
    inside = places - log.offsets[:-1].reshape(2000, 3)
    assert np.bincount(inside[:, 0]) / 2000 == pytest.approx([0.2, 0.5, 0.3], abs=0.04)
    assert (inside[:, 1] == 0).all()
    assert (inside[:, 2] == 1).all()
    low = drawn_places(log, chances, np.zeros(log.rows)).reshape(2000, 3) - log.offsets[:-1].reshape(2000, 3)
    assert (low == [0, 0, 1]).all()
