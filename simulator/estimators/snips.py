"""Self-normalised inverse propensity scoring."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.estimators.case import Case
from simulator.estimators.estimator import Ratio

__all__ = ["Snips"]


@dataclass(frozen=True, slots=True)
class Snips:
    """V = Σ wᵢ rᵢ / Σ wᵢ.

    Consistent, not unbiased: the sum of weights replaces n, which keeps V within the range of the rewards and does
    not move when a constant is added to them.

    Source: Swaminathan and Joachims, "The self-normalized estimator for counterfactual learning" (2015), eq. 4.
    """

    key: str = "snips"
    needs_model: bool = False

    def terms(self, case: Case) -> tuple[Ratio, ...]:
        """Weigh every reward by wᵢ, and divide by the weights."""
        return (Ratio(case.weight * case.reward, case.weight),)
