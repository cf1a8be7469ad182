"""Linear reward models that Vowpal Wabbit learns, as campaigns do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from engine.core.feature import Feature
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.schema import Schema
from engine.vw import VwLearner, compile_model
from simulator.arrays import FloatArray, IntArray
from simulator.keyed_hash import hash_strings, mix
from simulator.log_source import LogSource
from simulator.policies.arm_features import arm_features
from simulator.reward_models.foldwise import Constant, Foldwise, Scorer
from simulator.reward_models.kept_rows import MOST_ROWS, KeptRows, chosen
from simulator.reward_models.linear_scorer import LinearScorer
from simulator.reward_models.model import ModelRows, Predictor

__all__ = ["VwRegression"]

#: Products that let contexts meet the parts of an arm, and arms have levels of their own.
_PRODUCTS = ("UV", "UC", "US", "UO", "VCS")
_NEVER = 10_000_000


class VwRegression:
    """m(x, a) = Σ weights of the context, of the arm's features and of their products, learned in one pass.

    Arms are known by their features, as campaigns know them (variant, channel, slot, offer), so that an arm never seen
    is predicted by what its parts did elsewhere. Each decision is an example of the arm that was played alone: plain
    regression, without propensities. The learned weights are read out into a table, so that predicting takes no Vowpal
    Wabbit. Predictions are kept within the range of the rewards seen.

    It learns from a sample of at most 100,000 rows by the hash of their places, in a hashed order; rewards and contexts
    are standardised before. A row that counts much is learned again and again: rows get steps in proportion to what
    they count, 100,000 in all at the most.

    Source: Karampatziakis and Langford, "Online importance weight aware updates" (2011), §4.2, and Ross, Mineiro and
    Langford, "Normalized online learning" (2013), algorithm 2, for the updates; Duchi, Hazan and Singer (2011) for
    their adaptive size; Chernozhukov et al. (2018), def. 3.1, for cross-fitting.

    Args:
        log: For its arms and what is known of them.
        most: How many rows it learns from, and how many steps it takes, at the most.
    """

    def __init__(self, log: LogSource, most: int = MOST_ROWS) -> None:
        self._arms = [arm_features(log, arm) for arm in log.arms]
        self._most = most
        self._kept = KeptRows(most)
        self._options = LearningOptions(
            cb_type="mtr", interactions=_PRODUCTS, bits=20, learning_rate=0.1, save_every=_NEVER
        )

    def add(self, rows: ModelRows) -> None:
        """See `RewardModel`."""
        self._kept.add(rows)

    def fit(self, training: Mapping[int, tuple[int, ...]]) -> Predictor:
        """See `RewardModel`."""
        rows = self._kept.taken()
        return Foldwise(
            {fold: self._fitted(chosen(rows, np.isin(rows.fold, others))) for fold, others in training.items()}
        )

    def _fitted(self, rows: ModelRows) -> list[Scorer]:
        if not rows.arm.size:
            return [Constant()] * rows.rewards.shape[1]
        order = _steps(rows.weight, self._most)
        mean, per_spread = _standard(rows.x, rows.weight)
        x = ((rows.x - mean) * per_spread).astype(np.float32)
        return [self._scorer(x, rows.arm, column, rows.weight, order, mean, per_spread) for column in rows.rewards.T]

    def _scorer(
        self,
        x: np.ndarray,
        arm: IntArray,
        reward: FloatArray,
        weight: FloatArray,
        order: IntArray,
        mean: FloatArray,
        per_spread: FloatArray,
    ) -> Scorer:
        low, high = float(reward.min()), float(reward.max())
        if low == high:
            return Constant(low)
        level, per_reward = _standard(reward, weight)
        label = (reward - level) * per_reward
        schema = Schema(dimension=x.shape[1])
        learner = VwLearner(self._options, schema)
        learner.learn(
            LearningEvent(x[row], (self._arms[arm[row]],), 0, float(label[row]), 1.0) for row in order.tolist()
        )
        table = compile_model(learner.to_bytes(), self._options, schema, self._features()).matrix(self._arms)
        # Scores are of standardised contexts and rewards; these are weights for contexts and rewards as they are.
        spread = 1.0 / float(per_reward)
        weights = table.rows.astype(np.float64) * per_spread * spread
        bias = float(level) + table.biases * spread - weights @ mean
        return LinearScorer(weights, bias, partial(_within, low, high))

    def _features(self) -> list[Feature]:
        return [feature for arm in self._arms for feature in arm]


def _within(low: float, high: float, scores: FloatArray) -> FloatArray:
    return np.clip(scores, low, high, out=scores)


def _standard(values: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Give mean and 1 / standard deviation of each column, 0 where it never varies."""
    mean = np.average(values, axis=0, weights=weight)
    spread = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1e-300)
    return np.asarray(mean), np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)


def _steps(weight: FloatArray, most: int) -> IntArray:
    """Name the row of each step: rows in proportion to their weight, by systematic sampling, in a hashed order."""
    total = float(weight.sum())
    steps = min(most, max(weight.size, int(np.ceil(total))))
    # Equal weights give each row its step exactly: sums of floats may fall short of a whole number by a rounding.
    reached = np.floor(np.cumsum(weight) * (steps / total) + 0.5)
    rows = np.repeat(np.arange(weight.size), np.diff(reached, prepend=0.0).astype(np.int64))
    salt = hash_strings(["steps"], "reward-model")[0]
    return np.asarray(rows[np.argsort(mix(np.arange(rows.size, dtype=np.uint64) ^ salt), kind="stable")])
