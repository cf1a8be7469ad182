"""Self-normalised inverse propensity scoring."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Snips"]


@dataclass(frozen=True, slots=True)
class Snips:
    """V = Σ wᵢ rᵢ / Σ wᵢ.

    Consistent, not unbiased: the sum of weights replaces n, which keeps V within the range of the rewards and does
    not move when a constant is added to them.

    Source: Swaminathan and Joachims, "The self-normalized estimator for counterfactual learning" (2015), eq. 4.
    """

    key: str = "snips"
    needs: frozenset[Need] = frozenset()
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Weigh every reward by wᵢ, and divide by the weights."""
        return (Ratio(case.weight * case.reward, case.weight),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut."""
        return np.zeros_like(case.weight)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:  # noqa: ARG002
        """The sum of weights is no number of rows."""
        return None
