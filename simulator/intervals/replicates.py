"""Replicates of a bootstrap as its intervals need them."""

from __future__ import annotations

import numpy as np

from simulator.arrays import FloatArray

__all__ = ["defined", "ends"]

_MOST_UNDEFINED = 0.05


def defined(values: FloatArray) -> FloatArray | None:
    """Drop resamples that leave a value undefined, shape (R,); None where these are over 5 % or all of them."""
    kept = values[~np.isnan(values)]
    return kept if kept.size and kept.size >= (1 - _MOST_UNDEFINED) * values.size else None


def ends(values: FloatArray, level: float) -> tuple[float, float]:
    """Quantiles of replicates at both ends of a level.

    A new draw falls below the k-th of R others with probability k / (R + 1), so that is the share the k-th stands
    for: with 200 resamples the usual k / R would lose half a point of coverage at each end.

    Source: Davison and Hinkley, Bootstrap Methods and their Application (1997), §5.2.
    """
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], method="weibull")
    return float(low), float(high)
