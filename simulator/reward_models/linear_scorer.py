"""A linear model of one quantity as a table, one row of weights for each arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.reward_models.foldwise import Pairs

__all__ = ["LinearScorer"]

#: Numbers that are held beside the result at a time.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class LinearScorer:
    """m(x, a) = link(biasₐ + x·wₐ).

    Attributes:
        weights: Shape (arms, d).
        bias: Shape (arms,).
        link: What is done to a score, in place where it can be.
    """

    weights: FloatArray
    bias: FloatArray
    link: Callable[[FloatArray], FloatArray]

    def scores(self, x: FloatArray, pairs: Pairs) -> FloatArray:
        """See `Scorer`."""
        if pairs.common is not None:
            table = x @ self.weights[pairs.common].T
            table += self.bias[pairs.common]
            return self.link(table.ravel())
        return self.link(self._listed(x, pairs))

    def _listed(self, x: FloatArray, pairs: Pairs) -> FloatArray:
        """Multiply rows with all arms in question where most pairs are asked for, else pair by pair."""
        arms, place = np.unique(pairs.arm, return_inverse=True)
        scores = self.bias[pairs.arm]
        dense = len(x) * arms.size <= 4 * pairs.row.size
        step = max(1, _BLOCK // max(1, arms.size if dense else x.shape[1]))
        if dense:
            weights = self.weights[arms].T
            for start in range(0, len(x), step):
                first, last = np.searchsorted(pairs.row, (start, start + step))
                own = slice(first, last)
                scores[own] += (x[start : start + step] @ weights)[pairs.row[own] - start, place[own]]
            return scores
        for start in range(0, pairs.row.size, step):
            own = slice(start, start + step)
            scores[own] += np.einsum("ij,ij->i", x[pairs.row[own]], self.weights[pairs.arm[own]])
        return scores
