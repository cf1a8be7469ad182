"""The studentised bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.intervals.replicates import defined, quantiles, tails
from simulator.statistic import Statistic

__all__ = ["BootstrapTInterval"]

_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class BootstrapTInterval:
    """The estimate − its standard error × quantiles of (replicate − estimate) / standard error of the replicate.

    Every resample brings a standard error of its own, so the quantiles know that a log without its large purchases
    looks too certain: second-order accurate for smooth statistics, where percentiles are first-order.

    Skewness makes one side longer than the normal interval's; here it never makes the other side shorter. The skewness
    of few large purchases is itself uncertain, that of a difference of policies up to its sign, and a side that was
    shortened by mistake costs more coverage than one that was left as it is adds (docs/coverage.md).

    Source: Efron and Tibshirani (1993), §12.5; Hall, The Bootstrap and Edgeworth Expansion (1992), §3.5 and §3.10.
    Assumes independent users with three finite moments.
    """

    name: str = "bootstrap_t"
    resampled: bool = True
    by_user: bool = False
    adaptive: str = "takes users as independent: not guaranteed where probabilities learned from earlier rewards"

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:  # noqa: ARG002
        """Give the interval; unavailable where resamples leave the statistic, or its standard error, undefined."""
        deviations = statistic.deviations
        away = statistic.replicates - statistic.point
        with np.errstate(divide="ignore", invalid="ignore"):
            # A resample without any rewarded user is infinitely far off in its own measure, not undefined.
            studentised = np.where(away == 0.0, 0.0, away / deviations[1:])
        kept = defined(statistic, studentised)
        if kept is None or not np.isfinite(deviations[0]):
            return Bounds.unavailable("too few users to say how far off it is")
        if deviations[0] <= _ROUNDING * abs(statistic.point):
            # No user differs from another: the interval is a point, whatever rounding makes of the replicates.
            return Bounds.between(statistic.point, statistic.point)
        low, high = quantiles(kept, tails(level))
        normal = NormalDist().inv_cdf(tails(level)[1])
        return Bounds.between(
            statistic.point - max(high, normal) * deviations[0], statistic.point - min(low, -normal) * deviations[0]
        )
