"""The normal interval by linearisation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.statistic import Statistic

__all__ = ["DeltaInterval"]


@dataclass(frozen=True, slots=True)
class DeltaInterval:
    """The statistic ± normal quantile × standard error from its influence values.

    Source: Deng, Knoblich and Lu (2018), §3. Assumes many independent users, none of which dominates.
    """

    name: str = "delta"
    resampled: bool = False
    by_user: bool = False
    adaptive: str = "takes users as independent: not guaranteed where probabilities learned from earlier rewards"

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:  # noqa: ARG002
        """Give the symmetric interval; unavailable with fewer than two users."""
        multiplicity = statistic.totals.multiplicity
        users = float(multiplicity.sum())
        if users < 2:
            return Bounds.unavailable("too few users to say how far off it is")
        variance = float(multiplicity @ statistic.influence**2) * users / (users - 1)
        half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)
        return Bounds.between(statistic.point - half, statistic.point + half)
