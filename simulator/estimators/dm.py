"""The direct method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.estimators.case import Case
from simulator.estimators.estimator import Ratio

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
    needs_model: bool = True

    def terms(self, case: Case) -> tuple[Ratio, ...]:
        """Take the model's word for the value, and the residuals' for how far off it may be."""
        ones = np.ones_like(case.weight)
        residual = case.weight * (case.reward - case.predicted)
        return Ratio(case.expected, ones), Ratio(residual, ones, spread_only=True)
