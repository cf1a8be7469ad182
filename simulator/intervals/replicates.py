"""Replicates of a bootstrap as its intervals need them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simulator.arrays import FloatArray
from simulator.statistic import Statistic

__all__ = ["defined", "quantiles", "tails"]

_MOST_UNDEFINED = 0.05


def defined(statistic: Statistic, values: FloatArray) -> FloatArray | None:
    """Sort a statistic's replicates, of shape (R,), without the undefined ones.

    None where these are over 5 % or all of them, or there are no two users to resample.
    """
    kept = np.sort(values[~np.isnan(values)])
    enough = kept.size and kept.size >= (1 - _MOST_UNDEFINED) * values.size
    return kept if enough and statistic.totals.users >= 2 else None


def tails(level: float) -> tuple[float, float]:
    """Shares at both ends of a level."""
    return (1 - level) / 2, (1 + level) / 2


def quantiles(ordered: FloatArray, shares: Sequence[float]) -> tuple[float, ...]:
    """Quantiles of sorted replicates, of which some may be infinite.

    A new draw falls below the k-th of R others with probability k / (R + 1), so that is the share the k-th stands
    for: with 200 resamples the usual k / R would lose half a point of coverage at each end.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), §5.2.

    >>> quantiles(np.array([1.0, 2.0, np.inf]), [0.25, 0.375, 0.75])
    (1.0, 1.5, inf)
    """
    return tuple(_quantile(ordered, min(max(share * (ordered.size + 1), 1.0), float(ordered.size))) for share in shares)


def _quantile(ordered: FloatArray, place: float) -> float:
    before = math.floor(place)
    part = place - before
    low = float(ordered[before - 1])
    if part == 0.0 or low == float(ordered[before]):
        return low
    return low + part * (float(ordered[before]) - low)
