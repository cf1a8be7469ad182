"""Predictions put together from one scorer for each fold and quantity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.log import Log
from simulator.runs import runs

__all__ = ["Constant", "Foldwise", "Pairs", "Scorer"]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of a row and one of its eligible arms; m pairs, one row's after another's.

    Attributes:
        row: Shape (m,).
        arm: Shape (m,).
        common: The eligible arms of every row in the same order, shape (k,), or None where rows differ.
    """

    row: IntArray
    arm: IntArray
    common: IntArray | None


class Scorer(Protocol):
    """A fitted model of one quantity."""

    def scores(self, x: FloatArray, pairs: Pairs) -> FloatArray:
        """Predict the quantity for each pair.

        Args:
            x: Encoded contexts, shape (n, d).
            pairs: What is asked for.

        Returns:
            Shape (m,).
        """
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Says the same of every pair: where there was nothing to learn from, or nothing to tell apart."""

    value: float = 0.0

    def scores(self, x: FloatArray, pairs: Pairs) -> FloatArray:  # noqa: ARG002
        """See `Scorer`."""
        return np.full(pairs.row.size, self.value)


@dataclass(frozen=True, slots=True)
class Foldwise:
    """Predicts each row by the scorers of its fold.

    Attributes:
        fitted: Fold → a scorer for each quantity.
    """

    fitted: Mapping[int, Sequence[Scorer]]

    def predict(self, x: FloatArray, fold: IntArray, log: Log) -> FloatArray:
        """See `Predictor`."""
        q = len(next(iter(self.fitted.values())))
        common, lengths = log.common_eligible, log.lengths
        predicted = np.empty((q, log.eligible.size))
        for number in np.unique(fold):
            rows = np.flatnonzero(fold == number)
            flat = runs(log.offsets[:-1][rows], lengths[rows])
            row = np.repeat(np.arange(rows.size), lengths[rows])
            pairs, own = Pairs(row, log.eligible[flat].astype(np.int64), common), x[rows]
            for quantity, scorer in enumerate(self.fitted[int(number)]):
                predicted[quantity, flat] = scorer.scores(own, pairs)
        return predicted
