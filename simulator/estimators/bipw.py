"""Balanced inverse propensity weighting, for logs without propensities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Bipw"]


@dataclass(frozen=True, slots=True)
class Bipw:
    """V = Σ min(ŵᵢ, λ) rᵢ / Σ min(ŵᵢ, λ), with ŵ = Pr[π | x, a] / Pr[log | x, a].

    ŵ are a classifier's odds that a pair (x, a) comes from the policy and not from the log (`BalancedWeights`), so no
    propensity is needed. Consistent if the classifier is, if nothing that is not logged drives both arm and reward,
    and if the log plays every arm that the policy plays. λ = ∞, no clipping, unless a caller asks for it.

    Source: Sondhi, Arbour and Dimmery, "Balanced off-policy evaluation in general action spaces" (2020), with
    actions drawn from a stochastic policy.
    """

    key: str = "bipw"
    needs: frozenset[Need] = frozenset((Need.BALANCED,))
    grid: tuple[float, ...] = (math.inf,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Weigh every reward by the estimated weight, and divide by the weights."""
        kept = np.minimum(case.balanced, parameter)
        return (Ratio(kept * case.reward, kept),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """What weights above λ would have added."""
        return np.maximum(case.balanced - parameter, 0.0) * case.reward

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:  # noqa: ARG002
        """The sum of weights is no number of rows."""
        return None
