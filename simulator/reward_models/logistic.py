"""Logistic reward models of what did or did not happen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, hstack
from scipy.special import expit

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.log import Log
from simulator.reward_models.foldwise import Constant, Foldwise, Scorer
from simulator.reward_models.kept_rows import MOST_ROWS, KeptRows, chosen
from simulator.reward_models.linear_scorer import LinearScorer
from simulator.reward_models.model import ModelRows, Predictor
from simulator.reward_models.ridge import Ridge

__all__ = ["Logistic"]

_ROWS_PER_SLOPE = 20
_MOST_SLOPES = 200
#: Prior standard deviation of an arm's own slope; that of arms' levels and of common slopes is 1, on the logit scale.
_SLOPE = 0.3
_STEPS = 200


class Logistic:
    """P(y = 1 | x, a) = 1 / (1 + exp(−(c + x·β + αₐ + x·γₐ))), with an L2 penalty on all but the constant c.

    Contexts are standardised. αₐ and β have a prior N(0, 1); γₐ, of arms with at least 20 decisions for each column,
    has N(0, 0.3²). An arm never seen is predicted by c + x·β.

    Quantities that are 0 or 1 in all rows to learn from are modelled so; the others, money for instance, by `Ridge`,
    which this model carries along. It learns from a sample of at most 100,000 rows by the hash of their places, weighed
    by what they count; of 1,000,000 decisions with a click rate of 1 % these are some 1,000 clicks.

    Source: Hoerl and Kennard (1970) for the penalty, le Cessie and van Houwelingen, "Ridge estimators in logistic
    regression" (1992), eq. 1, for its logistic form; Chernozhukov et al. (2018), def. 3.1, for cross-fitting.

    Args:
        plays: Decisions in which each arm was played, in the whole log, shape (a,).
        folds: Number of folds.
        most: How many rows it learns from at the most.
    """

    def __init__(self, plays: FloatArray, folds: int, most: int = MOST_ROWS) -> None:
        self._arms, self._folds = plays.size, folds
        self._ridge = Ridge(plays, folds)
        self._kept = KeptRows(most)
        self._is_share: BoolArray | None = None

    def add(self, rows: ModelRows) -> None:
        """See `RewardModel`."""
        self._ridge.add(rows)
        self._kept.add(rows)
        if self._is_share is None:
            self._is_share = np.ones((self._folds, rows.rewards.shape[1]), dtype=bool)
        for number in np.unique(rows.fold[rows.weight > 0]):
            own = rows.rewards[(rows.fold == number) & (rows.weight > 0)]
            self._is_share[number] &= ((own == 0.0) | (own == 1.0)).all(axis=0)

    def fit(self, training: Mapping[int, tuple[int, ...]]) -> Predictor:
        """See `RewardModel`."""
        rows = self._kept.taken()
        is_share = np.zeros((self._folds, rows.rewards.shape[1])) if self._is_share is None else self._is_share
        fitted: dict[int, Sequence[Scorer]] = {}
        own: dict[int, BoolArray] = {}
        for fold, others in training.items():
            own[fold] = np.asarray(is_share[list(others)].all(axis=0))
            design = _Design.of(chosen(rows, np.isin(rows.fold, others)), self._arms)
            fitted[fold] = [
                design.fitted(quantity) if here else Constant() for quantity, here in enumerate(own[fold].tolist())
            ]
        return _Mixed(Foldwise(fitted), self._ridge.fit(training), own)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """Shares by logistic models, all else by ridge regression.

    Attributes:
        shares: Models of the shares.
        others: Models of everything.
        is_share: Fold → which quantities are shares, shape (q,).
    """

    shares: Foldwise
    others: Predictor
    is_share: Mapping[int, BoolArray]

    def predict(self, x: FloatArray, fold: IntArray, log: Log) -> FloatArray:
        """See `Predictor`."""
        predicted = self.shares.predict(x, fold, log)
        if all(here.all() for here in self.is_share.values()):
            return predicted
        others, row = self.others.predict(x, fold, log), log.row_of
        for number, here in self.is_share.items():
            if not here.all():
                flat = (fold == number)[row]
                predicted[np.ix_(~here, flat)] = others[np.ix_(~here, flat)]
        return predicted


@dataclass(frozen=True, slots=True, eq=False)
class _Design:
    """What the models of one fold learn from; n rows.

    Attributes:
        rows: The rows.
        arms: Vocabulary of the log.
        sloped: Arms with slopes of their own, shape (s,).
        mean: Of each context column, shape (d,).
        per_spread: 1 / its standard deviation, 0 where it never varies, shape (d,).
        matrix: Columns of context, arms, and arms × context; None without rows.
    """

    rows: ModelRows
    arms: int
    sloped: IntArray
    mean: FloatArray
    per_spread: FloatArray
    matrix: csr_array | None

    @classmethod
    def of(cls, rows: ModelRows, arms: int) -> _Design:
        d = rows.x.shape[1]
        if not rows.arm.size:
            return cls(rows, arms, np.zeros(0, dtype=np.int64), np.zeros(d), np.zeros(d), None)
        mean = np.average(rows.x, axis=0, weights=rows.weight)
        spread = np.sqrt(np.average((rows.x - mean) ** 2, axis=0, weights=rows.weight))
        varies = spread > 1e-9 * np.maximum(np.abs(mean), 1e-300)
        per_spread = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)
        x = (rows.x - mean) * per_spread
        plays = np.bincount(rows.arm, weights=rows.weight, minlength=arms)
        common = np.argsort(-plays, kind="stable")[:_MOST_SLOPES] if d else np.zeros(0, dtype=np.int64)
        sloped = common[plays[common] >= _ROWS_PER_SLOPE * d]
        return cls(rows, arms, sloped, mean, per_spread, _matrix(x, rows.arm, arms, sloped))

    def fitted(self, quantity: int) -> Scorer:
        y, weight = self.rows.rewards[:, quantity], self.rows.weight
        if self.matrix is None:
            return Constant()
        if y.min() == y.max():
            return Constant(float(y[0]))
        from sklearn.exceptions import ConvergenceWarning  # takes a second that other models need not wait
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1.0, max_iter=_STEPS)
        with warnings.catch_warnings():
            # A model stopped early is a worse one, but no wrong one: it is corrected by what it did not see.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(self.matrix, y, sample_weight=weight)
        return self._scorer(model.coef_[0], float(model.intercept_[0]))

    def _scorer(self, found: FloatArray, constant: float) -> LinearScorer:
        d = self.mean.size
        weights = np.tile(found[:d], (self.arms, 1))
        weights[self.sloped] += _SLOPE * found[d + self.arms :].reshape(self.sloped.size, d)
        weights *= self.per_spread
        return LinearScorer(weights, constant + found[d : d + self.arms] - weights @ self.mean, expit)


def _matrix(x: FloatArray, arm: IntArray, arms: int, sloped: IntArray) -> csr_array:
    n, d = x.shape
    place = np.full(arms, -1, dtype=np.int64)
    place[sloped] = np.arange(sloped.size)
    own = place[arm] >= 0
    indicator = csr_array((np.ones(n), arm, np.arange(n + 1)), shape=(n, arms))
    columns = place[arm[own]][:, None] * d + np.arange(d)
    ends = np.concatenate(([0], np.cumsum(own * d)))
    slopes = csr_array((_SLOPE * x[own].ravel(), columns.ravel(), ends), shape=(n, sloped.size * d))
    return csr_array(hstack((csr_array(x), indicator, slopes), format="csr"))
