"""A number estimated from users, together with how it varies over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from simulator.arrays import FloatArray
from simulator.totals import Totals

__all__ = ["Statistic"]


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """A smooth function of sums over users, closed under +, −, × and ÷.

    It is evaluated at the log as it is (place 0) and in each of R resamples, with its derivative by every sum beside
    it. Carrying both through the arithmetic makes every ratio metric and every paired difference come out right for
    every estimator: resamples share their weights, so a difference is paired, and the derivatives give influence
    values and, in each resample, a standard error of its own.

    Source: linearisation as in Deng, Knoblich and Lu, "Applying the delta method in metric analytics" (2018), §3.

    Attributes:
        totals: The sums it is a function of.
        values: Shape (1 + R,); NaN where a resample leaves it undefined.
        slopes: Name of a sum → derivative by it, shape (1 + R,).
    """

    totals: Totals
    values: FloatArray
    slopes: Mapping[str, FloatArray]

    @classmethod
    def of(cls, totals: Totals, key: str) -> Statistic:
        """Take one sum."""
        values = totals.sums(key)
        return cls(totals, values, {key: np.ones_like(values)})

    @classmethod
    def undefined(cls, totals: Totals) -> Statistic:
        """A statistic that has no value anywhere."""
        return cls(totals, np.full(1 + len(totals.weights), np.nan), {})

    @property
    def point(self) -> float:
        """The estimate."""
        return float(self.values[0])

    @property
    def replicates(self) -> FloatArray:
        """Its value in each resample, shape (R,)."""
        return self.values[1:]

    @property
    def influence(self) -> FloatArray:
        """First-order effect of each bucket of users on the estimate, shape (B,)."""
        effect = np.zeros_like(self.totals.multiplicity)
        for key, slope in self.slopes.items():
            effect += slope[0] * self.totals.column(key)
        return effect

    @property
    def deviation(self) -> float:
        """Standard error by the delta method."""
        return float(np.sqrt(self.totals.multiplicity @ self.influence**2))

    @property
    def deviations(self) -> FloatArray:
        """Standard error by the delta method, as it is and in each resample, shape (1 + R,); NaN where undefined."""
        variance = np.zeros_like(self.values)
        pairs = list(combinations_with_replacement(self.slopes, 2))
        self.totals.multiply(pairs)
        for one, other in pairs:
            twice = 1.0 if one == other else 2.0
            variance += twice * self.slopes[one] * self.slopes[other] * self.totals.products(one, other)
        return np.where(np.isnan(self.values), np.nan, np.sqrt(np.maximum(variance, 0.0)))

    def __add__(self, other: Statistic) -> Statistic:
        slopes = dict(self.slopes)
        for key, slope in other.slopes.items():
            slopes[key] = slopes[key] + slope if key in slopes else slope
        return Statistic(self.totals, self.values + other.values, slopes)

    def __sub__(self, other: Statistic) -> Statistic:
        return self + other.scaled(-1.0)

    def scaled(self, factor: float) -> Statistic:
        """Multiply by a constant."""
        return Statistic(self.totals, factor * self.values, {k: factor * slope for k, slope in self.slopes.items()})

    def times(self, other: Statistic) -> Statistic:
        """Multiply by another statistic."""
        mine = {key: slope * other.values for key, slope in self.slopes.items()}
        theirs = {key: slope * self.values for key, slope in other.slopes.items()}
        return Statistic(self.totals, self.values * other.values, mine) + Statistic(
            self.totals, np.zeros_like(self.values), theirs
        )

    def over(self, other: Statistic) -> Statistic:
        """Divide by another statistic, whose point is not 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = self.values / other.values
            inverse = 1.0 / other.values
            ratio = np.where(np.isfinite(ratio), ratio, np.nan)
            inverse = np.where(np.isfinite(inverse), inverse, np.nan)
        mine = {key: slope * inverse for key, slope in self.slopes.items()}
        theirs = {key: -slope * ratio * inverse for key, slope in other.slopes.items()}
        return Statistic(self.totals, ratio, mine) + Statistic(self.totals, np.zeros_like(ratio), theirs)

    def spread(self) -> Statistic:
        """Keep only its variation about the estimate: it adds uncertainty to a sum, and no value."""
        return Statistic(self.totals, self.values - self.values[0], self.slopes)
