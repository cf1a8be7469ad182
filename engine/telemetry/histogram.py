"""A histogram that costs a bisection and three additions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

BOUNDS_S = (
    50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of the buckets, in seconds; one more is above them all."""

_BOUNDS = np.array(BOUNDS_S)


class Histogram:
    """Durations by bucket; one thread adds, others may read a value that is a moment old.

    Attributes:
        values: Counts of the buckets, then the sum of all durations in seconds.

    Examples:
        >>> histogram = Histogram()
        >>> histogram.add(0.0015)
        >>> histogram.values[5], histogram.values[-1]
        (1, 0.0015)
    """

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: list[float] = [0] * (len(BOUNDS_S) + 2)

    def add(self, seconds: float) -> None:
        """Count a duration, in seconds."""
        values = self.values
        values[bisect_left(BOUNDS_S, seconds)] += 1
        values[-1] += seconds

    def add_many(self, seconds: Sequence[float], times: Sequence[int]) -> None:
        """Count n durations, in seconds, each so many times."""
        values = self.values
        found = np.bincount(np.searchsorted(_BOUNDS, seconds), weights=times)
        for bucket, count in enumerate(found.tolist()):
            values[bucket] += count
        values[-1] += float(np.dot(seconds, times))
