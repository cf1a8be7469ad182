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
_TREES, _LEAVES, _RATE, _SMALLEST_LEAF, _PENALTY, _PATIENCE = 100, 8, 0.1, 100, 10.0, 10
#: Pairs that are predicted at a time: their features are copied.
_BLOCK = 65_536


class Boosting:
    """m(x, a) by gradient boosting of regression trees on squared loss, with the arm as a categorical feature.

    Squared loss for shares, too: errors of the model reach DR as squares. Up to 100 trees of 8 leaves with at least 100
    rows each; it stops when a tenth of the rows, held back, gain nothing from ten more. Below 200 rows to learn from
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
        bins = _Bins.of(self._codes(rows), rows.x)
        features = bins.columns(bins.coded(rows.x), np.arange(rows.arm.size), rows.arm)
        return [_scorer(features, column, rows.weight, bins) for column in rows.rewards.T]

    def _codes(self, rows: ModelRows) -> FloatArray:
        """Number the commonest arms; the others are missing, shape (arms,)."""
        plays = np.bincount(rows.arm, weights=rows.weight, minlength=self._arms)
        common = np.argsort(-plays, kind="stable")[:_MOST_ARMS]
        common = common[plays[common] > 0]
        code = np.full(self._arms, np.nan)
        code[common] = np.arange(common.size)
        return code


@dataclass(frozen=True, slots=True, eq=False)
class _Bins:
    """Codes of arms and of contexts.

    Columns of few values are not binned once more by scikit-learn, which for weighted rows would be most of the work.

    Attributes:
        arm: Code of each arm, shape (arms,).
        edges: Of the bins of each context column, at equal shares of the rows.
    """

    arm: FloatArray
    edges: list[FloatArray]

    @classmethod
    def of(cls, arm: FloatArray, x: FloatArray) -> _Bins:
        shares = np.linspace(0.0, 1.0, _MOST_ARMS + 1)[1:]
        return cls(arm, [np.unique(np.quantile(column, shares)) for column in x.T])

    def coded(self, x: FloatArray) -> FloatArray:
        """Give the bin of each number, shape (n, d)."""
        codes = np.empty(x.shape)
        for place, edges in enumerate(self.edges):
            codes[:, place] = np.searchsorted(edges, x[:, place])
        return codes

    def columns(self, coded: FloatArray, row: IntArray, arm: IntArray) -> FloatArray:
        """Put pairs of a row and an arm together, shape (m, 1 + d)."""
        features = np.empty((row.size, 1 + coded.shape[1]))
        features[:, 0] = self.arm[arm]
        features[:, 1:] = coded[row]
        return features


@dataclass(frozen=True, slots=True, eq=False)
class _Trees:
    """Trees of one fold and quantity, kept within [low, high]."""

    model: HistGradientBoostingRegressor
    bins: _Bins
    low: float
    high: float

    def scores(self, x: FloatArray, pairs: Pairs) -> FloatArray:
        """See `Scorer`."""
        found, coded = np.empty(pairs.row.size), self.bins.coded(x)
        for start in range(0, found.size, _BLOCK):
            own = slice(start, start + _BLOCK)
            features = self.bins.columns(coded, pairs.row[own], pairs.arm[own])
            with threadpool_limits(1, user_api="openmp"):
                found[own] = self.model.predict(features)
        return np.clip(found, self.low, self.high, out=found)


def _scorer(features: FloatArray, reward: FloatArray, weight: FloatArray, bins: _Bins) -> Scorer:
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
    return _Trees(model, bins, low, high)
