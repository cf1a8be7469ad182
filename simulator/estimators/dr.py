"""Doubly robust estimation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Dr"]


@dataclass(frozen=True, slots=True)
class Dr:
    """V = Σᵢ [ Σₐ π(a | xᵢ) m(xᵢ, a) + wᵢ (rᵢ − m(xᵢ, aᵢ)) ] / n.

    Unbiased with true propensities and a model fitted on other users (cross-fitting), with less variance than IPS
    where the model explains the reward.

    Source: Dudík, Langford and Li (2011), eq. 2; Chernozhukov et al. (2018), def. 3.1, for the cross-fitting.
    """

    key: str = "dr"
    needs: frozenset[Need] = frozenset((Need.MODEL,))
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Correct the model by the weighted residual."""
        corrected = case.expected + case.weight * (case.reward - case.predicted)
        return (Ratio(corrected),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut."""
        return np.zeros_like(case.weight)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """The model's range, and weights times the widest residual."""
        reach = weight_max * (high - low)
        return low - reach, high + reach
