"""Doubly robust estimation that trusts the model where weights are large."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["SwitchDr"]


@dataclass(frozen=True, slots=True)
class SwitchDr:
    """V = Σᵢ [ Σₐ π(a | xᵢ) m(xᵢ, a) + wᵢ 1{wᵢ ≤ τ} (rᵢ − m(xᵢ, aᵢ)) ] / n.

    Keeps the residual only where its weight is at most τ: τ = ∞ is DR, τ = 0 the direct method. Needs true propensities
    and a cross-fitted model; its bias is the model's error where w > τ.

    Source: Wang, Agarwal and Dudík, "Optimal and adaptive off-policy evaluation in contextual bandits" (2017), §4 with
    the doubly robust estimator where w ≤ τ.
    """

    key: str = "switch_dr"
    needs: frozenset[Need] = frozenset((Need.MODEL,))
    grid: tuple[float, ...] = (math.inf, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0, 0.0)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Correct the model by the residuals of weights up to τ."""
        kept = np.where(case.weight <= parameter, case.weight, 0.0)
        corrected = case.expected + kept * (case.reward - case.predicted)
        return (Ratio(corrected),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """The weighted residuals above τ."""
        return np.where(case.weight > parameter, case.weight, 0.0) * (case.reward - case.predicted)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """As wide as DR; switching only narrows it."""
        reach = weight_max * (high - low)
        return low - reach, high + reach
