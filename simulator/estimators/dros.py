"""Doubly robust estimation with optimistic shrinkage."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Dros"]


@dataclass(frozen=True, slots=True)
class Dros:
    """V = Σᵢ [ Σₐ π(a | xᵢ) m(xᵢ, a) + ŵᵢ (rᵢ − m(xᵢ, aᵢ)) ] / n, with ŵ = λ w / (w² + λ).

    The shrinkage that minimises a sharp bound on the mean squared error: weights well below √λ stay as they are,
    larger ones fall back to 0, and none exceeds √λ / 2. λ = ∞ is DR, λ = 0 the direct method. Needs true propensities
    and a cross-fitted model.

    Source: Su, Dimakopoulou, Krishnamurthy and Dudík, "Doubly robust off-policy evaluation with shrinkage" (2020),
    optimistic shrinkage (DRos).
    """

    key: str = "dros"
    needs: frozenset[Need] = frozenset((Need.MODEL,))
    grid: tuple[float, ...] = (math.inf, 1e6, 1e5, 1e4, 1e3, 100.0, 10.0, 1.0, 0.0)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Correct the model by residuals with shrunken weights."""
        corrected = case.expected + _shrunken(case.weight, parameter) * (case.reward - case.predicted)
        return (Ratio(corrected),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """What shrinking takes from the weighted residuals."""
        return (case.weight - _shrunken(case.weight, parameter)) * (case.reward - case.predicted)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """As wide as DR; shrinking only narrows it."""
        reach = weight_max * (high - low)
        return low - reach, high + reach


def _shrunken(weight: FloatArray, parameter: float) -> FloatArray:
    if math.isinf(parameter):
        return weight
    if parameter == 0.0:
        return np.zeros_like(weight)
    return parameter * weight / (weight**2 + parameter)
