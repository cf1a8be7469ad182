"""Inverse propensity scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.estimators.case import Case
from simulator.estimators.estimator import Ratio

__all__ = ["Ips"]


@dataclass(frozen=True, slots=True)
class Ips:
    """V = Σ wᵢ rᵢ / n.

    Unbiased when every arm that the policy plays was playable (p > 0); its variance grows with the weights.

    Source: Horvitz and Thompson (1952), eq. 3; Li, Chu, Langford and Wang (2011) for contextual bandits.
    """

    key: str = "ips"
    needs_model: bool = False

    def terms(self, case: Case) -> tuple[Ratio, ...]:
        """Weigh every reward by wᵢ."""
        return (Ratio(case.weight * case.reward, np.ones_like(case.weight)),)
