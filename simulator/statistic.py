"""A number estimated from users, together with how it varies over them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray

__all__ = ["Statistic"]


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A point, its bootstrap replicates and its influence values, closed under −, × and ÷.

    Carrying both through the arithmetic makes every ratio metric and every paired difference come out right for
    every estimator: replicates share their weights, so a difference is paired, and influence follows the chain rule.

    Source: linearisation as in Deng, Knoblich and Lu, "Applying the delta method in metric analytics" (2018), §3.

    Attributes:
        point: The estimate.
        replicates: Its value in each resample, shape (R,); NaN where a resample leaves it undefined.
        influence: First-order effect of each bucket of users on the estimate, shape (B,).
    """

    point: float
    replicates: FloatArray
    influence: FloatArray

    def __add__(self, other: Statistic) -> Statistic:
        return Statistic(self.point + other.point, self.replicates + other.replicates, self.influence + other.influence)

    def __sub__(self, other: Statistic) -> Statistic:
        return self + other.scaled(-1.0)

    def scaled(self, factor: float) -> Statistic:
        """Multiply by a constant."""
        return Statistic(factor * self.point, factor * self.replicates, factor * self.influence)

    def over(self, other: Statistic) -> Statistic:
        """Divide by another statistic, whose point is not 0."""
        ratio = self.point / other.point
        with np.errstate(divide="ignore", invalid="ignore"):
            replicates = self.replicates / other.replicates
        replicates = np.where(np.isfinite(replicates), replicates, np.nan)
        return Statistic(ratio, replicates, (self.influence - ratio * other.influence) / other.point)
