"""Rejection replay."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio

__all__ = ["Rejection"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """V = Σ sᵢ rᵢ / Σ sᵢ, with sᵢ = 1 for the rows that are accepted.

    Accepted rows are distributed as if the policy had played (`simulator.rejection` states the rule), so their plain
    mean estimates its value, whatever else is done with them. Needs true propensities and support; most rows are
    thrown away, and the estimate is as noisy as so few rows are.

    Source: Li, Chu, Langford and Wang, "Unbiased offline evaluation of contextual-bandit-based news article
    recommendation algorithms" (2011), algorithm 2; Dudík, Erhan, Langford and Li, "Doubly robust policy evaluation
    and optimization" (2014), for rejection sampling from logs that are not uniform.
    """

    key: str = "rejection"
    needs: frozenset[Need] = frozenset((Need.ACCEPTED,))
    grid: tuple[float, ...] = (math.nan,)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:  # noqa: ARG002
        """Average the accepted rows."""
        return (Ratio(case.accepted * case.reward, case.accepted),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:  # noqa: ARG002
        """Nothing is cut: rejecting is no bias."""
        return np.zeros_like(case.accepted)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:  # noqa: ARG002
        """The number accepted is no number of rows."""
        return None
