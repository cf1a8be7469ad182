"""Boosted trees as reward models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from simulator.arrays import FloatArray, IntArray
from simulator.reward_models.foldwise import Constant, Foldwise, Pairs, Scorer
from simulator.reward_models.kept_rows import MOST_ROWS, KeptRows, chosen
from simulator.reward_models.model import ModelRows, Predictor

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

__all__ = ["Boosting"]

#: Values that scikit-learn's histograms have room for beside the missing one.
_MOST_ARMS = 254
_TREES, _LEAVES, _RATE, _SMALLEST_LEAF, _PENALTY, _PATIENCE = 100, 8, 0.1, 100, 10.0, 5
#: Pairs that are predicted at a time: their features are copied.
_BLOCK = 65_536


class Boosting:
    """m(x, a) by gradient boosting of regression trees on squared loss, with the arm as a categorical feature.

    Squared loss for shares, too: errors of the model reach DR as squares. Up to 100 trees of 8 leaves with at least 100
    rows each; it stops when a tenth of the rows, held back, gain nothing from five more. Below 200 rows to learn from
    it predicts their mean. Predictions are kept within the range of the rewards seen. The 254 commonest arms are told
    apart; all others are one value, as are arms never seen. It learns from a sample of at most 100,000 rows by the hash
    of their places, weighed by what they count.

    Predicting is its price: some microseconds a decision, eligible arm and quantity, where linear models take some
    nanoseconds. It keeps to one thread: results are the same on every machine, and OpenMP's threads stall each other
    where cores are shared.

    Source: Friedman, "Greedy function approximation" (2001), algorithm 3; Ke et al., "LightGBM" (2017), for trees on
    histograms; Fisher, "On grouping for maximum homogeneity" (1958), for splits of categories; Chernozhukov et al.
    (2018), def. 3.1, for cross-fitting.

    Args:
        arms: Number of arms in the log's vocabulary.
        most: How many rows it learns from at the most.
    """

    def __init__(self, arms: int, most: int = MOST_ROWS) -> None:
        self._arms = arms
        self._kept = KeptRows(most)

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
        code = self._codes(rows)
        features = np.column_stack((code[rows.arm], rows.x))
        return [_scorer(features, column, rows.weight, code) for column in rows.rewards.T]

    def _codes(self, rows: ModelRows) -> FloatArray:
        """Number the commonest arms; the others are missing, shape (arms,)."""
        plays = np.bincount(rows.arm, weights=rows.weight, minlength=self._arms)
        common = np.argsort(-plays, kind="stable")[:_MOST_ARMS]
        common = common[plays[common] > 0]
        code = np.full(self._arms, np.nan)
        code[common] = np.arange(common.size)
        return code


@dataclass(frozen=True, slots=True, eq=False)
class _Trees:
    """Trees of one fold and quantity, kept within [low, high]."""

    model: HistGradientBoostingRegressor
    code: FloatArray
    low: float
    high: float

    def scores(self, x: FloatArray, pairs: Pairs) -> FloatArray:
        """See `Scorer`."""
        found = np.empty(pairs.row.size)
        for start in range(0, found.size, _BLOCK):
            own = slice(start, start + _BLOCK)
            features = _columns(self.code, x, pairs.row[own], pairs.arm[own])
            with threadpool_limits(1, user_api="openmp"):
                found[own] = self.model.predict(features)
        return np.clip(found, self.low, self.high, out=found)


def _columns(code: FloatArray, x: FloatArray, row: IntArray, arm: IntArray) -> FloatArray:
    features = np.empty((row.size, 1 + x.shape[1]))
    features[:, 0] = code[arm]
    features[:, 1:] = x[row]
    return features


def _scorer(features: FloatArray, reward: FloatArray, weight: FloatArray, code: FloatArray) -> Scorer:
    from sklearn.ensemble import HistGradientBoostingRegressor  # takes a second that other models need not wait

    low, high = float(reward.min()), float(reward.max())
    if low == high:
        return Constant(low)
    if reward.size < 2 * _SMALLEST_LEAF:
        return Constant(float(np.average(reward, weights=weight)))
    model = HistGradientBoostingRegressor(
        max_iter=_TREES,
        max_leaf_nodes=_LEAVES,
        learning_rate=_RATE,
        min_samples_leaf=_SMALLEST_LEAF,
        l2_regularization=_PENALTY,
        categorical_features=[0],
        early_stopping=True,
        n_iter_no_change=_PATIENCE,
        random_state=0,
    )
    with threadpool_limits(1, user_api="openmp"):
        model.fit(features, reward, sample_weight=weight)
    return _Trees(model, code, low, high)
