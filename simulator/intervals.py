"""Confidence intervals of a statistic, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.stats import norm

from simulator.arrays import FloatArray
from simulator.statistic import Statistic

__all__ = ["INTERVALS", "Interval", "exact_bounds"]

_MOST_UNDEFINED = 0.05


class Interval(Protocol):
    """A way from a statistic to its bounds."""

    @property
    def name(self) -> str:
        """Name on the command line and in reports."""
        ...

    @property
    def resampled(self) -> bool:
        """Whether it reads the replicates."""
        ...

    def bounds(self, statistic: Statistic, multiplicity: FloatArray, level: float) -> tuple[float, float] | None:
        """Give (low, high), or None where the data do not support any."""
        ...


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """Percentiles of the replicates of a Poisson bootstrap by user.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 13. Assumes independent users.
    """

    name: str = "bootstrap"
    resampled: bool = True

    def bounds(self, statistic: Statistic, multiplicity: FloatArray, level: float) -> tuple[float, float] | None:  # noqa: ARG002
        """Give the percentile interval; None when over 5 % of the resamples leave the statistic undefined."""
        defined = statistic.replicates[~np.isnan(statistic.replicates)]
        if defined.size < (1 - _MOST_UNDEFINED) * statistic.replicates.size or not defined.size:
            return None
        low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


@dataclass(frozen=True, slots=True)
class DeltaInterval:
    """The statistic ± normal quantile × standard error from its influence values.

    Source: Deng, Knoblich and Lu (2018), §3. Assumes many independent users, none of which dominates.
    """

    name: str = "delta"
    resampled: bool = False

    def bounds(self, statistic: Statistic, multiplicity: FloatArray, level: float) -> tuple[float, float] | None:
        """Give the symmetric interval; None with fewer than two users."""
        users = float(multiplicity.sum())
        if users < 2:
            return None
        variance = float(np.sum(multiplicity * statistic.influence**2)) * users / (users - 1)
        half = float(norm.ppf((1 + level) / 2)) * float(np.sqrt(variance))
        return statistic.point - half, statistic.point + half


_ALL: tuple[Interval, ...] = (BootstrapInterval(), DeltaInterval())
INTERVALS: Mapping[str, Interval] = {interval.name: interval for interval in _ALL}


def exact_bounds(always: bool, users: float, level: float) -> tuple[float, float]:
    """Give the interval of a share of which 0, or all, of `users` effective users were seen.

    Source: Clopper and Pearson (1934), whose bounds have this closed form at the ends; with effective in place of
    actual users it is approximate.

    >>> low, high = exact_bounds(False, 1000.0, 0.95)
    >>> low, round(high, 5)
    (0.0, 0.00368)
    """
    unlikely = float(((1 - level) / 2) ** (1 / users))
    return (unlikely, 1.0) if always else (0.0, 1 - unlikely)
