"""Inverse propensity scoring with clipped weights."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["ClippedIps"]


@dataclass(frozen=True, slots=True)
class ClippedIps:
    """V = Σ min(wᵢ, λ) rᵢ / n.

    Trades variance for bias: rewards above λ's reach count for less, so that V errs towards 0. λ = ∞ is IPS. Needs
    true propensities; support is needed only where w ≤ λ, and what is lost elsewhere is the bias.

    Source: Ionides, "Truncated importance sampling" (2008); Bottou et al., "Counterfactual reasoning and learning
    systems" (2013), on clipped weights.
    """

    key: str = "clipped_ips"
    needs: frozenset[Need] = frozenset()
    grid: tuple[float, ...] = (math.inf, 1000.0, 300.0, 100.0, 30.0, 10.0, 3.0, 1.0)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Weigh every reward by wᵢ, at most λ."""
        return (Ratio(np.minimum(case.weight, parameter) * case.reward),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """What weights above λ would have added."""
        return np.maximum(case.weight - parameter, 0.0) * case.reward

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """Weights times rewards; clipping only narrows it."""
        return min(0.0, weight_max * low), max(0.0, weight_max * high)
