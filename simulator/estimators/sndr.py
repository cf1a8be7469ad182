"""Self-normalised doubly robust estimation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Sndr"]


@dataclass(frozen=True, slots=True)
class Sndr:
    """V = Σᵢ Σₐ π(a | xᵢ) m(xᵢ, a) / n + Σᵢ wᵢ (rᵢ − m(xᵢ, aᵢ)) / Σᵢ wᵢ.

    DR whose correction is a weighted mean of residuals, so that it stays within their range whatever the weights.
    Consistent, not unbiased, with true propensities and a cross-fitted model.

    Source: Thomas and Brunskill, "Data-efficient off-policy policy evaluation for reinforcement learning" (2016),
    weighted doubly robust, for one step.
    """

    key: str = "sndr"
    needs: frozenset[Need] = frozenset((Need.MODEL,))
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Correct the model by the weighted mean of its residuals."""
        residual = case.weight * (case.reward - case.predicted)
        return Ratio(case.expected), Ratio(residual, case.weight)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut."""
        return np.zeros_like(case.weight)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:  # noqa: ARG002
        """The sum of weights is no number of rows."""
        return None
