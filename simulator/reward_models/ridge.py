"""Linear reward models, from sums alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.log import Log
from simulator.reward_models.model import ModelRows
from simulator.runs import runs

__all__ = ["Ridge"]

_RIDGE = 10.0
_ROWS_PER_SLOPE = 20
_MOST_SLOPES = 200


@dataclass(slots=True)
class _Sums:
    """Sums of one fold; a arms, s of them with slopes, d columns with the constant, q quantities."""

    n: FloatArray
    x: FloatArray
    y: FloatArray
    xx: FloatArray
    xy: FloatArray
    yy: FloatArray
    arm_xx: FloatArray
    arm_xy: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def zero(cls, arms: int, slopes: int, d: int, q: int) -> _Sums:
        return cls(
            n=np.zeros(arms),
            x=np.zeros((arms, d)),
            y=np.zeros((arms, q)),
            xx=np.zeros((d, d)),
            xy=np.zeros((d, q)),
            yy=np.zeros(q),
            arm_xx=np.zeros((slopes, d, d)),
            arm_xy=np.zeros((slopes, d, q)),
            low=np.full(q, np.inf),
            high=np.full(q, -np.inf),
        )

    def plus(self, other: _Sums) -> _Sums:
        return _Sums(
            n=self.n + other.n,
            x=self.x + other.x,
            y=self.y + other.y,
            xx=self.xx + other.xx,
            xy=self.xy + other.xy,
            yy=self.yy + other.yy,
            arm_xx=self.arm_xx + other.arm_xx,
            arm_xy=self.arm_xy + other.arm_xy,
            low=np.minimum(self.low, other.low),
            high=np.maximum(self.high, other.high),
        )


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Model of one fold: x·(shared + slope of the arm) + effect of the arm, kept within [low, high]."""

    shared: FloatArray
    effect: FloatArray
    slopes: FloatArray
    low: FloatArray
    high: FloatArray


class Ridge:
    """m(x, a) = x·β + αₐ + x·γₐ, linear, each stage fitted on what the one before leaves.

    β and γ by ridge regression; α shrunk towards 0 by credibility, so that an arm seen twice does not predict its
    luck. Predictions are kept within the range of the rewards seen. All that a fit needs are sums over rows, one set
    for each fold: the log is read once, whatever the number of folds.

    Source: Hoerl and Kennard (1970) for ridge; Bühlmann and Straub (1970) for the credibility weights;
    Chernozhukov et al. (2018), def. 3.1, for cross-fitting.

    Args:
        plays: Decisions in which each arm was played, in the whole log; the commonest arms get slopes, shape (a,).
        folds: Number of folds.
    """

    def __init__(self, plays: FloatArray, folds: int) -> None:
        self._plays = plays
        self._sums: list[_Sums] = []
        self._folds = folds
        self._sloped: IntArray = np.zeros(0, dtype=np.int64)

    def add(self, rows: ModelRows) -> None:
        """See `RewardModel`."""
        x = np.column_stack((np.ones(len(rows.x)), rows.x))
        if not self._sums:
            self._begin(x.shape[1], rows.rewards.shape[1])
        place = np.full(self._plays.size, -1, dtype=np.int64)
        place[self._sloped] = np.arange(self._sloped.size)
        order = np.lexsort((rows.arm, rows.fold))
        fold, arm = rows.fold[order], rows.arm[order]
        x, y, w = x[order], rows.rewards[order], rows.weight[order]
        weighted = x * w[:, None]
        edges = np.flatnonzero(np.diff(fold * self._plays.size + arm, prepend=-1, append=-1))
        for start, stop in pairwise(edges.tolist()):
            self._add_arm(int(fold[start]), int(arm[start]), place, weighted[start:stop], x[start:stop], y[start:stop])
        for number in range(self._folds):
            first, last = np.searchsorted(fold, (number, number + 1))
            self._add_fold(self._sums[number], weighted[first:last], x[first:last], y[first:last], w[first:last])

    def _begin(self, d: int, q: int) -> None:
        if d > 1:
            order = np.argsort(-self._plays, kind="stable")[:_MOST_SLOPES]
            self._sloped = order[self._plays[order] >= _ROWS_PER_SLOPE * d]
        self._sums = [_Sums.zero(self._plays.size, self._sloped.size, d, q) for _ in range(self._folds)]

    def _add_arm(
        self, fold: int, arm: int, place: IntArray, weighted: FloatArray, x: FloatArray, y: FloatArray
    ) -> None:
        sums = self._sums[fold]
        total = weighted.sum(axis=0)
        sums.n[arm] += total[0]
        sums.x[arm] += total
        xy = weighted.T @ y
        sums.y[arm] += xy[0]
        if place[arm] >= 0:
            sums.arm_xx[place[arm]] += weighted.T @ x
            sums.arm_xy[place[arm]] += xy

    @staticmethod
    def _add_fold(sums: _Sums, weighted: FloatArray, x: FloatArray, y: FloatArray, w: FloatArray) -> None:
        if not len(x):
            return
        sums.xx += weighted.T @ x
        sums.xy += weighted.T @ y
        sums.yy += w @ y**2
        sums.low, sums.high = np.minimum(sums.low, y.min(axis=0)), np.maximum(sums.high, y.max(axis=0))

    def fit(self, training: Mapping[int, tuple[int, ...]]) -> LinearPredictor:
        """See `RewardModel`."""
        scale = _standardising(self._sums)
        fitted = {fold: self._fit([self._sums[other] for other in others], scale) for fold, others in training.items()}
        return LinearPredictor(self._sloped, self._plays.size, fitted)

    def _fit(self, sums: Sequence[_Sums], scale: FloatArray) -> _Fitted:
        d, q = self._sums[0].xy.shape
        if not sums or not sum(float(one.n.sum()) for one in sums):
            none = np.zeros(q)
            return _Fitted(
                np.zeros((d, q)), np.zeros((self._plays.size, q)), np.zeros((len(self._sloped), d, q)), none, none
            )
        total = sums[0]
        for one in sums[1:]:
            total = total.plus(one)
        shared = _ridge(total.xx, total.xy, scale, free_constant=True)
        left = total.yy - 2 * np.sum(shared * total.xy, axis=0) + np.sum(shared * (total.xx @ shared), axis=0)
        effect = _credible_means(total.n, total.y - total.x @ shared, left)
        slopes = np.zeros((self._sloped.size, d, q))
        for place, arm in enumerate(self._sloped):
            if total.n[arm] >= _ROWS_PER_SLOPE * d:
                unexplained = total.arm_xy[place] - total.arm_xx[place] @ shared - np.outer(total.x[arm], effect[arm])
                slopes[place] = _ridge(total.arm_xx[place], unexplained, scale, free_constant=False)
        return _Fitted(shared, effect, slopes, total.low, total.high)


@dataclass(frozen=True, slots=True, eq=False)
class LinearPredictor:
    """Predicts with one linear model a fold.

    Attributes:
        sloped: Arms with slopes of their own, shape (s,).
        arms: Number of arms.
        fitted: Fold → its model.
    """

    sloped: IntArray
    arms: int
    fitted: Mapping[int, _Fitted]
    _place: IntArray = field(init=False)

    def __post_init__(self) -> None:
        place = np.full(self.arms, self.sloped.size, dtype=np.int64)
        place[self.sloped] = np.arange(self.sloped.size)
        object.__setattr__(self, "_place", place)

    def predict(self, x: FloatArray, fold: IntArray, log: Log) -> FloatArray:
        """See `Predictor`."""
        x = np.column_stack((np.ones(len(x)), x))
        q = next(iter(self.fitted.values())).shared.shape[1]
        common = log.common_eligible
        predicted = np.empty((q, log.eligible.size))
        for number in np.unique(fold):
            rows = np.flatnonzero(fold == number)
            own, model = x[rows], self.fitted[int(number)]
            for quantity in range(q):
                if common is None:
                    flat, values = self._listed(own, rows, model, quantity, log)
                    predicted[quantity, flat] = values
                else:
                    table = predicted[quantity].reshape(log.rows, common.size)
                    table[rows] = self._rectangular(own, model, quantity, common)
        return predicted

    def _rectangular(self, x: FloatArray, model: _Fitted, quantity: int, arms: IntArray) -> FloatArray:
        padded = np.concatenate((model.slopes[:, :, quantity], np.zeros((1, x.shape[1]))))
        values = x @ (model.shared[:, quantity][:, None] + padded[self._place[arms]].T)
        values += model.effect[arms, quantity]
        return np.clip(values, model.low[quantity], model.high[quantity], out=values)

    def _listed(
        self, x: FloatArray, rows: IntArray, model: _Fitted, quantity: int, log: Log
    ) -> tuple[IntArray, FloatArray]:
        lengths = log.lengths[rows]
        flat = runs(log.offsets[:-1][rows], lengths)
        row, arm = np.repeat(np.arange(rows.size), lengths), log.eligible[flat]
        values = (x @ model.shared[:, quantity])[row] + model.effect[arm, quantity]
        if self.sloped.size:
            padded = np.concatenate((model.slopes[:, :, quantity], np.zeros((1, x.shape[1]))))
            values += (x @ padded.T)[row, self._place[arm]]
        return flat, np.clip(values, model.low[quantity], model.high[quantity], out=values)


def _standardising(sums: Sequence[_Sums]) -> FloatArray:
    """Make the matrix that turns columns with a constant into standardised ones; those that never vary become 0."""
    gram = np.sum([one.xx for one in sums], axis=0)
    mean = gram[0] / max(gram[0, 0], 1e-300)
    variance = np.diag(gram) / max(gram[0, 0], 1e-300) - mean**2
    spread = np.sqrt(np.maximum(variance, 0.0))
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1e-300)
    scale = np.zeros_like(gram)
    places = np.flatnonzero(varies)
    scale[places, places] = 1.0 / spread[places]
    scale[places, 0] = -mean[places] / spread[places]
    scale[0] = 0.0
    scale[0, 0] = 1.0
    return scale


def _ridge(gram: FloatArray, moment: FloatArray, scale: FloatArray, *, free_constant: bool) -> FloatArray:
    """Solve a ridge regression over standardised columns, and give its coefficients over the columns as they are."""
    penalty = np.full(len(gram), _RIDGE)
    if free_constant:
        penalty[0] = 0.0
    # The tiny diagonal keeps the unpenalised constant solvable when every weight is 0.
    standardised = scale @ gram @ scale.T + np.diag(penalty + 1e-9)
    return np.asarray(scale.T @ np.linalg.solve(standardised, scale @ moment))


def _credible_means(n: FloatArray, total: FloatArray, square: FloatArray) -> FloatArray:
    """Shrink arms' means to 0 by nₐ / (nₐ + σ²/τ²), with σ² and τ² estimated by moments.

    Args:
        n: Weight of each arm, shape (a,).
        total: Sum of its residuals, shape (a, q).
        square: Sum of all squared residuals, shape (q,).

    Returns:
        Shape (a, q).
    """
    seen, n = n > 0, n[:, None]
    mean = np.where(n > 0, total / np.where(n > 0, n, 1.0), 0.0)
    between_square = np.sum(n * mean**2, axis=0)
    within = np.maximum(square - between_square, 0.0) / max(1.0, float(n.sum()) - int(seen.sum()))
    between = between_square - int(seen.sum()) * within
    between = between / max(1e-12, float(n.sum()) - float(np.sum(n**2)) / float(n.sum()))
    # An arm never seen has n = 0, and where all rewards agree within = 0 too: its effect is 0, not 0 / 0.
    shrunk = mean * n / np.maximum(n + within / np.where(between > 0, between, 1.0), 1e-12)
    return np.asarray(np.where(between > 0, shrunk, 0.0))
