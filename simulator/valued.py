"""A metric as one estimator gives it, before an interval is drawn around it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.intervals import Limits
from simulator.statistic import Statistic

__all__ = ["Valued"]


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """A statistic and what is known of it.

    Attributes:
        statistic: The estimate.
        limits: What was declared of it.
        parameter: The estimator's parameter that was chosen; NaN where there is none, or one for each quantity.
        note: What a reader should know of this estimate.
    """

    statistic: Statistic
    limits: Limits
    parameter: float
    note: str | None

    def minus(self, other: Valued) -> Valued:
        """Take a paired difference."""
        return Valued(self.statistic - other.statistic, _difference(self.limits, other.limits), math.nan, None)


def _difference(one: Limits, other: Limits) -> Limits:
    ranges = None
    if one.row_range is not None and other.row_range is not None:
        ranges = one.row_range[0] - other.row_range[1], one.row_range[1] - other.row_range[0]
    known = None not in (one.reward_low, one.reward_high, other.reward_low, other.reward_high)
    return Limits(
        decisions=one.decisions,
        weights=tuple(dict.fromkeys((*one.weights, *other.weights))),
        reward_low=one.reward_low - other.reward_high if known else None,  # type: ignore[operator]
        reward_high=one.reward_high - other.reward_low if known else None,  # type: ignore[operator]
        row_range=ranges,
    )
