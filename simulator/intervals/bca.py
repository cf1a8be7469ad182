"""The bias-corrected and accelerated bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.intervals.replicates import defined, quantiles, tails
from simulator.statistic import Statistic

__all__ = ["BcaInterval"]


@dataclass(frozen=True, slots=True)
class BcaInterval:
    """Percentiles of a Poisson bootstrap by user, moved for its bias and for a spread that grows with the value.

    The bias is read off the replicates, the acceleration off the users' influence values. It needs many resamples,
    since it reads further out than the level.

    Source: Efron, "Better bootstrap confidence intervals" (1987), eqs. 2.3 and 6.6. Assumes independent users.
    """

    name: str = "bca"
    resampled: bool = True
    by_user: bool = False
    adaptive: str = "takes users as independent: not guaranteed where probabilities learned from earlier rewards"

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:  # noqa: ARG002
        """Give the interval; unavailable where the replicates are all on one side of the estimate."""
        kept = defined(statistic, statistic.replicates)
        influence, multiplicity = statistic.influence, statistic.totals.multiplicity
        square = float(multiplicity @ influence**2)
        if kept is None or square <= 0.0:
            return Bounds.unavailable("too few users to say how far off it is")
        below = float(np.mean(kept < statistic.point) + np.mean(kept == statistic.point) / 2)
        if not 0.0 < below < 1.0:
            return Bounds.unavailable("all resamples are on one side of the estimate")
        normal = NormalDist()
        bias = normal.inv_cdf(below)
        acceleration = float(multiplicity @ influence**3) / (6.0 * square**1.5)
        reached = [bias + normal.inv_cdf(tail) for tail in tails(level)]
        moved = [normal.cdf(bias + z / (1.0 - acceleration * z)) for z in reached]
        return Bounds.between(*quantiles(kept, moved))
