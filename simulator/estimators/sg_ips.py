"""Sub-Gaussian inverse propensity scoring."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.arrays import FloatArray
from simulator.estimators.case import Case
from simulator.estimators.estimator import Need, Ratio
from simulator.estimators.sub_gaussian import sub_gaussian

__all__ = ["SgIps"]


@dataclass(frozen=True, slots=True)
class SgIps:
    """V = Σ ŵᵢ rᵢ / n, with ŵ = w / (1 − λ + λ w).

    A smooth clipping: ŵ is at most 1 / λ, and with λ falling as 1 / √n the error has sub-Gaussian tails even where the
    weights have none. λ = 0 is IPS. Needs true propensities and support, as IPS does.

    Source: Metelli, Russo and Restelli (2021), (λ, s)-corrected weight with s = −1.
    """

    key: str = "sg_ips"
    needs: frozenset[Need] = frozenset()
    grid: tuple[float, ...] = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Weigh every reward by the corrected weight."""
        return (Ratio(sub_gaussian(case.weight, parameter) * case.reward),)

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """What correcting the weights takes away, or adds where w < 1."""
        return (case.weight - sub_gaussian(case.weight, parameter)) * case.reward

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """Weights times rewards; a weight below 1 may be raised up to 1."""
        most = max(1.0, weight_max)
        return min(0.0, most * low), max(0.0, most * high)
