"""The percentile bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.intervals.replicates import defined, quantiles, tails
from simulator.statistic import Statistic

__all__ = ["BootstrapInterval"]


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """Percentiles of the replicates of a Poisson bootstrap by user.

    It leans the wrong way for skewed rewards: with few large purchases the upper end is too low.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13. Assumes independent users.
    """

    name: str = "bootstrap"
    resampled: bool = True
    by_user: bool = False
    adaptive: str = "takes users as independent: not guaranteed where probabilities learned from earlier rewards"

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:  # noqa: ARG002
        """Give the percentile interval; unavailable when over 5 % of the resamples leave the statistic undefined."""
        kept = defined(statistic, statistic.replicates)
        if kept is None:
            return Bounds.unavailable("too few users to say how far off it is")
        return Bounds.between(*quantiles(kept, tails(level)))
