"""Chooses among many candidates without falling for the luckiest one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from simulator.sweep.measured import Measured

__all__ = ["Bounded", "best_of", "critical_value", "simultaneous"]

_MOST_UNDEFINED = 0.05


@dataclass(frozen=True, slots=True)
class Bounded:
    """A candidate's lift with its bounds; larger is better.

    Attributes:
        lift: Paired difference, turned round where less of the metric is better.
        low: Lower bound that holds for all candidates at once.
        high: Upper bound, likewise.
        own_low: Lower bound that holds for this candidate alone; candidates are ordered by it.
    """

    lift: float
    low: float
    high: float
    own_low: float


def critical_value(measured: Sequence[Measured], level: float, rungs: int = 1, began: int = 0) -> float:
    """How many standard errors all true lifts lie within, jointly, with probability `level`.

    It is a quantile of max |t*| over the candidates, taken in each resample: as all candidates are valued on the same
    users, it knows how alike they are. A hundred copies of one candidate cost no more than one. It is never smaller
    than the normal quantile.

    Candidates that a rung drops are bounded by what that rung showed, so the level is shared out among the rungs. And
    the m of a later rung were chosen among k that began: as if there were k / m groups of m (both by Bonferroni).

    Source: White, "A reality check for data snooping" (2000); Romano and Wolf, "Exact and approximate stepdown methods
    for multiple hypothesis testing" (2005), §3, single step, with studentised statistics.

    Args:
        measured: All candidates that are valued alike, those of no verdict included.
        level: Joint level over all rungs.
        rungs: How many rungs share it.
        began: How many candidates there were in the beginning, k; the m that are measured when 0.
    """
    groups = max(1.0, began / max(1, len(measured)))
    share = 1.0 - (1.0 - level) / rungs / groups
    alone = float(norm.ppf((1.0 + share) / 2.0))
    replicates = [np.abs(one.studentised) for one in measured if one.studentised.size and math.isfinite(one.lift)]
    if not replicates:
        return alone
    defined = np.array(replicates)
    undefined = np.isnan(defined)
    largest = np.where(undefined, 0.0, defined).max(axis=0)
    # A resample in which some candidates have no value says little of the largest of them.
    kept = largest[undefined.mean(axis=0) <= _MOST_UNDEFINED]
    if kept.size < (1.0 - _MOST_UNDEFINED) * largest.size:
        return math.inf
    # Between two infinite ones lies none that is defined.
    with np.errstate(invalid="ignore"):
        quantile = float(np.quantile(kept, share, method="weibull"))
    return math.inf if math.isnan(quantile) else max(alone, quantile)


def simultaneous(
    measured: Mapping[str, Measured], critical: float, level: float, *, less: bool = False
) -> dict[str, Bounded]:
    """Bound the lifts of all candidates at once; those without a lift are bounded by nothing.

    Args:
        measured: Name → what was measured.
        critical: From `critical_value`.
        level: Of the bounds of each alone.
        less: Whether less of the metric is better.
    """
    sign, alone = -1.0 if less else 1.0, float(norm.ppf((1.0 + level) / 2.0))
    bounds = {}
    for name, one in measured.items():
        if not (math.isfinite(one.lift) and math.isfinite(one.deviation)):
            bounds[name] = Bounded(-math.inf, -math.inf, math.inf, -math.inf)
            continue
        lift = sign * one.lift
        # Of a candidate that plays just as today's policy does, nothing is uncertain, whatever the critical value.
        half = critical * one.deviation if one.deviation > 0.0 else 0.0
        bounds[name] = Bounded(lift, lift - half, lift + half, lift - alone * one.deviation)
    return bounds


def best_of(measured: Mapping[str, Measured], bounds: Mapping[str, Bounded]) -> str | None:
    """Choose the candidate to confirm: the best lower bound among those with a verdict that seem better than today's.

    Nothing is claimed of it here: that is for rows that did not choose it. Where no candidate seems better at all,
    there is nothing to confirm.
    """
    seem_better = [name for name, one in measured.items() if one.believed and bounds[name].lift > 0.0]
    return max(seem_better, key=lambda name: bounds[name].own_low, default=None)
