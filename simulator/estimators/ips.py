"""Inverse propensity scoring."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Ips"]


@dataclass(frozen=True, slots=True)
class Ips:
    """V = Σ wᵢ rᵢ / n.

    Unbiased when every arm that the policy plays was playable (p > 0); its variance grows with the weights.

    Source: Horvitz and Thompson (1952), eq. 3; Li, Chu, Langford and Wang (2011) for contextual bandits.
    """

    key: str = "ips"
    needs: frozenset[Need] = frozenset()
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Weigh every reward by wᵢ."""
        return (Ratio(case.weight * case.reward),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut."""
        return np.zeros_like(case.weight)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """Weights times rewards."""
        return min(0.0, weight_max * low), max(0.0, weight_max * high)
