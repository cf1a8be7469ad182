"""Inverse propensity scoring on embeddings of arms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Mips"]


@dataclass(frozen=True, slots=True)
class Mips:
    """V = Σ w(xᵢ, eᵢ) rᵢ / n, with w(x, e) = p(e | x, π) / p(e | x, p) and e the embedding of the arm.

    Arms that look alike share one weight, so that many arms do not mean huge weights, and an arm that was never
    playable is covered by its like. Unbiased if arms of one embedding earn the same (no direct effect of the arm);
    the log cannot prove that, so the value is never trusted by itself. With an embedding for each arm it is IPS.

    Source: Saito and Joachims, "Off-policy evaluation for large action spaces via embeddings" (2022),
    with assumptions 3.1 (common embedding support) and 3.2 (no direct effect).
    """

    key: str = "mips"
    needs: frozenset[Need] = frozenset((Need.MARGINAL,))
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Weigh every reward by the weight of its embedding."""
        return (Ratio(case.marginal * case.reward),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut; a direct effect of the arm does not show here."""
        return np.zeros_like(case.marginal)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """Weights times rewards; a marginal weight is an average of the weights of its arms."""
        return min(0.0, weight_max * low), max(0.0, weight_max * high)
