"""Weights for logs without propensities: a classifier's odds that a pair comes from the policy and not from the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from simulator.arrays import BoolArray, FloatArray, HashArray, IntArray
from simulator.log import Log

__all__ = ["BalancedWeights", "Pairs", "drawn_places"]

#: Rows that the classifier is fitted on at most; beyond them it gains little and takes its time.
_MOST = 20_000
#: The classifier takes at most 255 values of a category; rarer arms share the last.
_CATEGORIES = 255
_LEAST_TARGET = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Contexts with an arm each; n rows, d context features.

    Attributes:
        context: Shape (n, d).
        arm: Code of the arm, shape (n,).
        target: π(arm | x) of the policy to be judged, shape (n,).
    """

    context: FloatArray
    arm: IntArray
    target: FloatArray

    def take(self, rows: IntArray | BoolArray) -> Pairs:
        """Keep some rows."""
        return Pairs(self.context[rows], self.arm[rows], self.target[rows])

    def and_then(self, others: Pairs) -> Pairs:
        """Append further rows."""
        return Pairs(
            np.concatenate((self.context, others.context)),
            np.concatenate((self.arm, others.arm)),
            np.concatenate((self.target, others.target)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Rows to fit on: what was logged, what the policy would have drawn there, fold, count and key of each."""

    logged: Pairs
    drawn: Pairs
    fold: IntArray
    count: FloatArray
    key: HashArray

    def take(self, rows: IntArray | BoolArray) -> _Sample:
        return _Sample(self.logged.take(rows), self.drawn.take(rows), self.fold[rows], self.count[rows], self.key[rows])

    def and_then(self, others: _Sample) -> _Sample:
        return _Sample(
            self.logged.and_then(others.logged),
            self.drawn.and_then(others.drawn),
            np.concatenate((self.fold, others.fold)),
            np.concatenate((self.count, others.count)),
            np.concatenate((self.key, others.key)),
        )


class BalancedWeights:
    """ŵ(x, a) = Pr[π | x, a] / Pr[log | x, a] for pairs of context and arm, cross-fitted by user.

    To each logged pair (x, a) a pair (x, a′) is added with a′ drawn from π. A classifier that tells the two apart has,
    if it is right, the odds π(a | x) / p(a | x), without p ever being known. It sees context, arm and log π(a | x): the
    policy is known, so that only the log's own habits have to be learned. A pair that π never plays weighs 0.

    Everything rests on the log having played by what the context says; a hidden reason for sending is not balanced.

    The fit reads a sample of bounded size, the rows with the smallest keys; chunks may come in any order.

    Source: Sondhi, Arbour and Dimmery, "Balanced off-policy evaluation in general action spaces" (2020); Sugiyama,
    Suzuki and Kanamori, Density Ratio Estimation in Machine Learning (2012), §4, for odds as ratios of densities;
    Friedman (2001) for boosted trees.

    Args:
        seed: Of the classifier.
        most: Rows to fit on, at most.
    """

    def __init__(self, seed: int = 0, most: int = _MOST) -> None:
        self._seed = seed
        self._most = most
        self._sample: _Sample | None = None
        self._models: dict[int, Any] = {}
        self._category: IntArray = np.zeros(0, dtype=np.int64)

    def add(self, logged: Pairs, drawn: Pairs, fold: IntArray, count: IntArray, key: HashArray) -> None:
        """Take the rows of one chunk; n rows.

        Args:
            logged: Pairs as they were logged.
            drawn: The same contexts with arms drawn from the policy.
            fold: Fold of each row, all rows of a user in one, shape (n,).
            count: How many decisions each row stands for, shape (n,).
            key: A hash of each row, shape (n,); it decides which rows are kept.
        """
        fresh = _Sample(logged, drawn, fold, count.astype(np.float64), key)
        sample = fresh if self._sample is None else self._sample.and_then(fresh)
        if sample.key.size > self._most:
            sample = sample.take(np.argpartition(sample.key, self._most)[: self._most])
        self._sample = sample

    def fit(self) -> None:
        """Fit a classifier for each fold, on the rows of all others.

        Raises:
            ValueError: If no row was added.
        """
        if self._sample is None or not self._sample.key.size:
            raise ValueError("expected rows to fit on, got none; add the log's chunks first")
        sample = self._sample.take(np.argsort(self._sample.key, kind="stable"))
        self._category = _categories(np.concatenate((sample.logged.arm, sample.drawn.arm)))
        for fold in np.unique(sample.fold).tolist():
            others = sample.fold != fold
            self._models[fold] = self._fitted(sample.take(others) if bool(others.any()) else sample)

    def weights(self, logged: Pairs, fold: IntArray) -> FloatArray:
        """Give the weight of every pair, by the classifier that has not seen its user, shape (n,).

        Args:
            logged: Pairs as they were logged.
            fold: Fold of each row, as it was when it was added, shape (n,).

        Raises:
            ValueError: If nothing was fitted.
        """
        if not self._models:
            raise ValueError("expected fitted classifiers; call fit after all rows were added")
        found = np.zeros(fold.size)
        columns = self._columns(logged)
        for own in np.unique(fold).tolist():
            # A fold of which the sample has no row was seen by no classifier: any will do.
            model = self._models.get(own, next(iter(self._models.values())))
            rows = (fold == own) & (logged.target > 0.0)
            if rows.any():
                with threadpool_limits(1, user_api="openmp"):
                    chance = model.predict_proba(columns[rows])[:, 1]
                found[rows] = chance / (1.0 - chance)
        return found

    def _fitted(self, sample: _Sample) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        features = np.concatenate((self._columns(sample.logged), self._columns(sample.drawn)))
        label = np.repeat([0, 1], sample.key.size)
        model = HistGradientBoostingClassifier(
            learning_rate=0.1,
            max_iter=60,
            max_leaf_nodes=16,
            min_samples_leaf=40,
            l2_regularization=5.0,
            categorical_features=[0],
            early_stopping=False,
            random_state=self._seed,
        )
        # Threads of OpenMP stall one another where cores are shared: a fit of a second takes minutes.
        with threadpool_limits(1, user_api="openmp"):
            return model.fit(features, label, sample_weight=np.tile(sample.count, 2))

    def _columns(self, pairs: Pairs) -> FloatArray:
        """Arm, log π and context, shape (n, 2 + d)."""
        arm = np.full(pairs.arm.size, _CATEGORIES - 1)
        known = pairs.arm < self._category.size
        arm[known] = self._category[pairs.arm[known]]
        return np.column_stack((arm, np.log(np.maximum(pairs.target, _LEAST_TARGET)), pairs.context))


def drawn_places(log: Log, probabilities: FloatArray, draw: FloatArray) -> IntArray:
    """Draw an arm from a policy for every row: its place in the flat `log.eligible`, shape (n,).

    Args:
        log: The decisions.
        probabilities: π(a | xᵢ) aligned with `log.eligible`, shape (m,).
        draw: In [0, 1), shape (n,).
    """
    reached = np.cumsum(probabilities)
    before = np.concatenate(([0.0], reached))[log.offsets[:-1]]
    total = reached[log.offsets[1:] - 1] - before
    passed = reached - np.repeat(before, log.lengths) <= np.repeat(draw * total, log.lengths)
    place = log.row_sums(passed.astype(np.float64)).astype(np.int64)
    return np.asarray(log.offsets[:-1] + np.minimum(place, log.lengths - 1))


def _categories(arm: IntArray) -> IntArray:
    """Number the commonest arms from 0; all others, and those never seen, are the last category."""
    times = np.bincount(arm)
    order = np.argsort(-times, kind="stable")[: _CATEGORIES - 1]
    category = np.full(times.size, _CATEGORIES - 1)
    category[order] = np.where(times[order] > 0, np.arange(order.size), _CATEGORIES - 1)
    return category
