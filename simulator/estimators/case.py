"""What an estimator sees: one policy, one quantity, some rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from simulator.arrays import FloatArray

__all__ = ["Case"]


def _none() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Aligned by row; what an estimator does not need is empty.

    Attributes:
        weight: π(aᵢ | xᵢ) / pᵢ of the logged arm, shape (n,).
        reward: The quantity as it happened, shape (n,).
        expected: Model's mean of the quantity under π, Σₐ π(a | xᵢ) m(xᵢ, a), shape (n,).
        predicted: Model's value at the logged arm, m(xᵢ, aᵢ), shape (n,).
        marginal: p(eᵢ | xᵢ, π) / p(eᵢ | xᵢ, p) of the logged arm's embedding e, shape (n,).
        balanced: Estimated weight, where no propensity is trusted, shape (n,).
        accepted: 1 where rejection replay accepts the row, else 0, shape (n,).
    """

    weight: FloatArray
    reward: FloatArray
    expected: FloatArray = field(default_factory=_none)
    predicted: FloatArray = field(default_factory=_none)
    marginal: FloatArray = field(default_factory=_none)
    balanced: FloatArray = field(default_factory=_none)
    accepted: FloatArray = field(default_factory=_none)
