"""Sub-Gaussian doubly robust estimation."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio
from simulator.estimators.sub_gaussian import sub_gaussian

__all__ = ["SgDr"]


@dataclass(frozen=True, slots=True)
class SgDr:
    """V = Σᵢ [ Σₐ π(a | xᵢ) m(xᵢ, a) + ŵᵢ (rᵢ − m(xᵢ, aᵢ)) ] / n, with ŵ = w / (1 − λ + λ w).

    DR with smoothly bounded weights; λ = 0 is DR. Needs true propensities and a cross-fitted model.

    Source: Metelli, Russo and Restelli (2021), (λ, s)-corrected weight with s = −1, in the doubly robust form.
    """

    key: str = "sg_dr"
    needs: frozenset[Need] = frozenset((Need.MODEL,))
    grid: tuple[float, ...] = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Correct the model by residuals with corrected weights."""
        corrected = case.expected + sub_gaussian(case.weight, parameter) * (case.reward - case.predicted)
        return (Ratio(corrected),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """What correcting the weights takes from the weighted residuals, or adds where w < 1."""
        return (case.weight - sub_gaussian(case.weight, parameter)) * (case.reward - case.predicted)

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """The model's range, and weights, at least 1, times the widest residual."""
        reach = max(1.0, weight_max) * (high - low)
        return low - reach, high + reach
