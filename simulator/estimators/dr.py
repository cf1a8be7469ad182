"""Doubly robust estimation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.estimators.case import Case
from simulator.estimators.estimator import Ratio

__all__ = ["Dr"]


@dataclass(frozen=True, slots=True)
class Dr:
    """V = Σᵢ [ Σₐ π(a | xᵢ) m(xᵢ, a) + wᵢ (rᵢ − m(xᵢ, aᵢ)) ] / n.

    Unbiased with true propensities and a model fitted on other users (cross-fitting), with less variance than IPS
    where the model explains the reward.

    Source: Dudík, Langford and Li (2011), eq. 2; Chernozhukov et al. (2018), def. 3.1, for the cross-fitting.
    """

    key: str = "dr"
    needs_model: bool = True

    def terms(self, case: Case) -> tuple[Ratio, ...]:
        """Correct the model by the weighted residual."""
        corrected = case.expected + case.weight * (case.reward - case.predicted)
        return (Ratio(corrected, np.ones_like(case.weight)),)
