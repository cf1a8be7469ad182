"""A reward model for the direct and doubly robust methods, cross-fitted by user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.context_features import context_features
from simulator.log import Log

__all__ = ["RewardModel"]

_RIDGE = 10.0
_ROWS_PER_SLOPE = 20
_MOST_SLOPES = 200


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Context effects shared by all arms, an effect of each arm, and slopes of their own for well-played arms."""

    shared: FloatArray
    arm: FloatArray
    slopes: dict[int, FloatArray]
    low: float
    high: float


class RewardModel:
    """m(x, a) = x·β + αₐ + x·γₐ, linear, each stage fitted on what the one before leaves.

    β and γ by ridge regression; α shrunk towards 0 by credibility, so that an arm seen twice does not predict its
    luck. Predictions are kept within the range of the rewards seen. A row's prediction comes from a model fitted on
    other users' rows only, which is what makes the doubly robust estimate free of its own noise.

    Source: Hoerl and Kennard (1970) for ridge; Bühlmann and Straub (1970) for the credibility weights;
    Chernozhukov et al. (2018), def. 3.1, for cross-fitting.

    Args:
        log: The decisions; `count` weighs them.
        fold: Fold of each row, all rows of a user in one, shape (n,).
    """

    def __init__(self, log: Log, fold: IntArray) -> None:
        self._log = log
        self._fold = fold
        self._features = np.column_stack((np.ones(log.rows), context_features(log)))
        self._row_of = log.row_of
        self._by_arm = np.argsort(log.eligible, kind="stable")
        self._arm_starts = np.searchsorted(log.eligible[self._by_arm], np.arange(len(log.arms) + 1))

    def predict(self, reward: FloatArray) -> FloatArray:
        """Predict a quantity for every eligible arm of every row.

        Args:
            reward: The quantity at the logged arm, shape (n,).

        Returns:
            Shape (m,), aligned with `log.eligible`.
        """
        predicted = np.zeros(self._log.eligible.size)
        for fold in np.unique(self._fold):
            held_out = self._fold == fold
            fitted_on = ~held_out if bool((~held_out).any()) else held_out
            self._fill(predicted, self._fit(reward, fitted_on), held_out)
        return predicted

    def _fit(self, reward: FloatArray, rows: BoolArray) -> _Fitted:
        log, x = self._log, self._features[rows]
        y, arm, count = reward[rows], log.arm[rows].astype(np.int64), log.count[rows].astype(np.float64)
        penalty = np.full(x.shape[1], _RIDGE)
        penalty[0] = 0.0
        shared = _ridge(x, y, count, penalty)
        residual = y - x @ shared
        effect = _credible_means(arm, residual, count, len(log.arms))
        residual = residual - effect[arm]
        slopes = {}
        needed = _ROWS_PER_SLOPE * x.shape[1]
        plays = np.bincount(arm, weights=count, minlength=len(log.arms))
        if x.shape[1] > 1:
            for code in np.argsort(-plays, kind="stable")[:_MOST_SLOPES]:
                if plays[code] < needed:
                    break
                own = arm == code
                slopes[int(code)] = _ridge(x[own], residual[own], count[own], np.full(x.shape[1], _RIDGE))
        return _Fitted(shared, effect, slopes, float(y.min()), float(y.max()))

    def _fill(self, predicted: FloatArray, fitted: _Fitted, rows: BoolArray) -> None:
        flat = np.flatnonzero(rows[self._row_of])
        values = (self._features @ fitted.shared)[self._row_of[flat]] + fitted.arm[self._log.eligible[flat]]
        predicted[flat] = values
        for code, slope in fitted.slopes.items():
            places = self._by_arm[self._arm_starts[code] : self._arm_starts[code + 1]]
            places = places[rows[self._row_of[places]]]
            predicted[places] += self._features[self._row_of[places]] @ slope
        predicted[flat] = np.clip(predicted[flat], fitted.low, fitted.high)


def _ridge(x: FloatArray, y: FloatArray, weight: FloatArray, penalty: FloatArray) -> FloatArray:
    weighted = x * weight[:, None]
    # The tiny diagonal keeps the unpenalised constant solvable when every weight of a column is 0.
    gram = weighted.T @ x + np.diag(penalty + 1e-9)
    return np.asarray(np.linalg.solve(gram, weighted.T @ y))


def _credible_means(group: IntArray, y: FloatArray, weight: FloatArray, groups: int) -> FloatArray:
    """Shrink group means to 0 by nₐ / (nₐ + σ²/τ²), with σ² and τ² estimated by moments, shape (groups,)."""
    n = np.bincount(group, weights=weight, minlength=groups)
    total = np.bincount(group, weights=weight * y, minlength=groups)
    seen = n > 0
    mean = np.where(seen, total / np.where(seen, n, 1.0), 0.0)
    within = float(np.sum(weight * (y - mean[group]) ** 2)) / max(1.0, float(n.sum()) - int(seen.sum()))
    between = float(np.sum(n * mean**2)) - int(seen.sum()) * within
    between /= max(1e-12, float(n.sum()) - float(np.sum(n**2)) / float(n.sum()))
    if between <= 0.0:
        return np.zeros(groups)
    # An arm never seen has n = 0, and where all rewards agree within = 0 too: its effect is 0, not 0 / 0.
    return np.asarray(mean * n / np.maximum(n + within / between, 1e-12))
