"""More robust doubly robust estimation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Mrdr"]


@dataclass(frozen=True, slots=True)
class Mrdr:
    """V = Σᵢ [ Σₐ π(a | xᵢ) m(xᵢ, a) + wᵢ (rᵢ − m(xᵢ, aᵢ)) ] / n, with m fitted to make the variance of V small.

    It is DR on another model: one that is most exact where this policy's weights make errors dear, by least squares
    weighted with `simulator.mrdr_weights.mrdr_weights`. Unbiased like DR, whatever the model, when it is cross-fitted.

    Source: Farajtabar, Chow and Ghavamzadeh, "More robust doubly robust off-policy evaluation" (2018), for one step.
    """

    key: str = "mrdr"
    needs: frozenset[Need] = frozenset((Need.MRDR_MODEL,))
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Correct the policy's own model by the weighted residual."""
        corrected = case.expected + case.weight * (case.reward - case.predicted)
        return (Ratio(corrected),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut."""
        return np.zeros_like(case.weight)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """The model's range, and weights times the widest residual."""
        reach = weight_max * (high - low)
        return low - reach, high + reach
