"""The direct method."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Dm"]


@dataclass(frozen=True, slots=True)
class Dm:
    """V = Σᵢ Σₐ π(a | xᵢ) m(xᵢ, a) / n.

    Low variance; biased by whatever the model m gets wrong, which no interval shows. The interval here has the spread
    of the weighted residuals beside that of the predictions: m was fitted to these rewards and inherits their noise,
    and taking it as given would make intervals several times too narrow.

    Source: Dudík, Langford and Li, "Doubly robust policy evaluation and learning" (2011), eq. 1.
    """

    key: str = "dm"
    needs: frozenset[Need] = frozenset((Need.MODEL,))
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Take the model's word for the value, and the residuals' for how far off it may be."""
        residual = case.weight * (case.reward - case.predicted)
        return Ratio(case.expected), Ratio(residual, spread_only=True)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut."""
        return np.zeros_like(case.weight)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:  # noqa: ARG002
        """Its error is not that of a mean of bounded terms."""
        return None
