"""The one thing an estimator has to say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from simulator.arrays import FloatArray
from simulator.estimators.case import Case

__all__ = ["Estimator", "Ratio"]


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """Row terms of a ratio of sums, Σ numerator / Σ denominator, each of shape (n,).

    Attributes:
        numerator: Shape (n,).
        denominator: Shape (n,).
        spread_only: Whether the ratio adds its variation to the estimate, but not its value.
    """

    numerator: FloatArray
    denominator: FloatArray
    spread_only: bool = False


class Estimator(Protocol):
    """Estimates the mean of a quantity per decision under a policy, as a sum of ratios of sums over rows.

    Row terms are enough: users, counts, intervals and ratio metrics are the caller's business, the same for all.
    """

    @property
    def key(self) -> str:
        """Name in reports."""
        ...

    @property
    def needs_model(self) -> bool:
        """Whether `expected` and `predicted` have to be filled."""
        ...

    def terms(self, case: Case) -> tuple[Ratio, ...]:
        """Give the ratios whose sum is the estimate; they are linear in the quantity."""
        ...
