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

    Low variance; biased by whatever the model m gets wrong. Its interval takes the model as given.

    Source: Dudík, Langford and Li, "Doubly robust policy evaluation and learning" (2011), eq. 1.
    """

    key: str = "dm"
    needs_model: bool = True

    def terms(self, case: Case) -> tuple[Ratio, ...]:
        """Take the model's word."""
        return (Ratio(case.expected, np.ones_like(case.weight)),)
