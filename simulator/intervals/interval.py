"""The one thing an interval has to do."""

from __future__ import annotations

from typing import Protocol

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.statistic import Statistic

__all__ = ["Interval"]


class Interval(Protocol):
    """A way from a statistic to its bounds.

    All of them take users as the independent units: a bucket of the statistic's totals is a sum over some of them,
    and a bucket of multiplicity m stands for m such sums.
    """

    @property
    def name(self) -> str:
        """Name on the command line and in reports."""
        ...

    @property
    def resampled(self) -> bool:
        """Whether it reads the replicates."""
        ...

    @property
    def by_user(self) -> bool:
        """Whether it is at its best only where every bucket is a single user; it holds for buckets of several too."""
        ...

    @property
    def adaptive(self) -> str:
        """Whether it survives logging whose probabilities learned from earlier rewards, in a sentence for reports."""
        ...

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:
        """Give both ends at a level in (0, 1), or the reason why there are none."""
        ...
