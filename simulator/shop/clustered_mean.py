"""A mean over decisions with an interval that knows that one shopper's decisions belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from simulator.arrays import FloatArray, IntArray

__all__ = ["ClusteredMean"]


@dataclass(frozen=True, slots=True)
class ClusteredMean:
    """A mean with its interval.

    Attributes:
        value: The mean; None without decisions.
        low: Lower bound; None with fewer than two shoppers.
        high: Upper bound.
        level: Of the interval.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float = 0.95

    @classmethod
    def of(cls, values: FloatArray, users: IntArray, level: float = 0.95) -> ClusteredMean:
        """The mean of values, clustered by shopper, by linearisation of the ratio Σ totals / Σ sizes.

        Source: Deng, Knoblich and Lu (2018), "Applying the delta method in metric analytics", §3. Assumes many
        independent shoppers.

        Args:
            values: Shape (n,).
            users: Shape (n,), the shopper of each.
            level: Of the interval.
        """
        if not len(values):
            return cls(None, None, None, level)
        mean = float(values.mean())
        _, position = np.unique(users, return_inverse=True)
        residuals = np.bincount(position, weights=values - mean)
        clusters = len(residuals)
        if clusters < 2:
            return cls(mean, None, None, level)
        variance = float(np.sum(residuals**2)) * clusters / (clusters - 1) / len(values) ** 2
        half = float(norm.ppf((1 + level) / 2) * np.sqrt(variance))
        return cls(mean, mean - half, mean + half, level)

    @classmethod
    def of_difference(
        cls, values: FloatArray, users: IntArray, others: FloatArray, other_users: IntArray, level: float = 0.95
    ) -> ClusteredMean:
        """The mean of some values less that of others, the two groups of shoppers being apart."""
        one, two = cls.of(values, users, level), cls.of(others, other_users, level)
        if one.value is None or two.value is None:
            return cls(None, None, None, level)
        if one.high is None or two.high is None:
            return cls(one.value - two.value, None, None, level)
        half = float(np.hypot(one.high - one.value, two.high - two.value))
        return cls(one.value - two.value, one.value - two.value - half, one.value - two.value + half, level)
