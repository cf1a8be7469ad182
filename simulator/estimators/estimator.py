"""The one thing an estimator has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from simulator.arrays import FloatArray
from simulator.estimators.case import Case

__all__ = ["Estimator", "Need", "Ratio"]


class Need(StrEnum):
    """What a case has to hold beside weight and reward."""

    MODEL = "model"
    #: The model's columns from a fit that is weighted for the policy (MRDR).
    MRDR_MODEL = "mrdr_model"
    MARGINAL = "marginal"
    BALANCED = "balanced"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True, eq=False)
class Ratio:
    """Row terms of a ratio of sums, Σ numerator / Σ denominator.

    Attributes:
        numerator: Shape (n,).
        denominator: Shape (n,), the same for every quantity; None for one a row, so that the ratio is a mean.
        spread_only: Whether the ratio adds its variation to the estimate, but not its value.
    """

    numerator: FloatArray
    denominator: FloatArray | None = None
    spread_only: bool = False


class Estimator(Protocol):
    """Estimates the mean of a quantity per decision under a policy, as a sum of ratios of sums over rows.

    Row terms are enough: users, counts, intervals, ratio metrics and the log's chunks are the caller's business, the
    same for all.
    """

    @property
    def key(self) -> str:
        """Name in reports."""
        ...

    @property
    def needs(self) -> frozenset[Need]:
        """What the case has to hold."""
        ...

    @property
    def grid(self) -> tuple[float, ...]:
        """Values of its parameter to choose from (see `simulator.tuning`); a single one where there is no choice."""
        ...

    def terms(self, case: Case, parameter: float) -> tuple[Ratio, ...]:
        """Give the ratios whose sum is the estimate; they are linear in the quantity."""
        ...

    def omitted(self, case: Case, parameter: float) -> FloatArray:
        """Give what each row loses by weights that are cut or shrunk, (w − ŵ)(r − m), shape (n,): the bias."""
        ...

    def row_range(self, weight_max: float, low: float, high: float) -> tuple[float, float] | None:
        """Bound a row's numerator, for weights in [0, weight_max] and quantity and model in [low, high].

        None where the estimate is no plain mean of row terms.
        """
        ...
