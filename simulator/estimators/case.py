"""What an estimator sees: one policy, one quantity."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.arrays import FloatArray

__all__ = ["Case"]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Aligned by row; a model-free estimator gets empty model columns.

    Attributes:
        weight: π(aᵢ | xᵢ) / pᵢ of the logged arm, shape (n,).
        reward: The quantity as it happened, shape (n,).
        expected: Model's mean of the quantity under π, Σₐ π(a | xᵢ) m(xᵢ, a), shape (n,).
        predicted: Model's value at the logged arm, m(xᵢ, aᵢ), shape (n,).
    """

    weight: FloatArray
    reward: FloatArray
    expected: FloatArray
    predicted: FloatArray
