"""The empirical Bernstein bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.intervals.user_terms import UserTerms
from simulator.statistic import Statistic

__all__ = ["EmpiricalBernsteinInterval"]


@dataclass(frozen=True, slots=True)
class EmpiricalBernsteinInterval:
    """Values whose excess over users no Bernstein bound rules out; holds for any number of users.

    With U users, excesses d = z − v n of width M = (row_high − row_low) · most decisions of one user, their sample
    variance S²(v) and L = ln(3 / (1 − level)), v is kept where |Σd| ≤ √(2 U S²(v) L) + 7 M U L / (3 (U − 1)): two
    sides of Bernstein and one bound on the variance share the risk. Solved for v in closed form, since S² is a
    quadratic in v.

    Source: Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization" (2009), theorems 10 and
    11, which ask for independent users and not for like ones. Cross-fitted models tie users to other folds weakly;
    for DR it is exact within each fold, and approximate over all of them.
    """

    name: str = "empirical_bernstein"
    resampled: bool = False
    by_user: bool = True
    adaptive: str = "takes users as independent: no guarantee where probabilities learned from earlier rewards"

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:
        """Give the bounds; unavailable without a declared range of row terms."""
        terms = UserTerms.of(statistic, limits)
        if isinstance(terms, str):
            return Bounds.unavailable(terms)
        users = float(terms.multiplicity.sum())
        width = (terms.row_high - terms.row_low) * terms.most
        if not math.isfinite(width):
            return Bounds.unavailable("needs the largest weight from a declared floor (--floor)")
        if users < 2:
            return Bounds.unavailable("too few users to say how far off it is")
        risk = math.log(3.0 / (1.0 - level))
        reach = 7.0 * width * users * risk / (3.0 * (users - 1.0))
        spread = _Spread.of(terms, users)
        down, up = spread.solve(reach, 2.0 * users * risk, -1.0), spread.solve(reach, 2.0 * users * risk, 1.0)
        low = -math.inf if limits.reward_low is None else limits.reward_low
        high = math.inf if limits.reward_high is None else limits.reward_high
        return Bounds.between(max(low, terms.point - down), min(high, terms.point + up))


@dataclass(frozen=True, slots=True)
class _Spread:
    """Variance of the excesses at value point + δ: outcomes − 2 δ · joint + δ² · sizes."""

    outcomes: float
    joint: float
    sizes: float
    decisions: float

    @classmethod
    def of(cls, terms: UserTerms, users: float) -> _Spread:
        m, free = terms.multiplicity, users - 1.0
        off = terms.decisions - float(m @ terms.decisions) / users
        return cls(
            float(m @ terms.centred**2) / free,
            float(m @ (terms.centred * off)) / free,
            float(m @ off**2) / free,
            float(m @ terms.decisions),
        )

    def solve(self, reach: float, factor: float, sign: float) -> float:
        """Least δ > 0 with δ · decisions = √(factor · variance(± δ)) + reach, or infinity."""
        square = self.decisions**2 - factor * self.sizes
        half = self.decisions * reach - sign * factor * self.joint
        rest = reach**2 - factor * self.outcomes
        if square <= 0.0:
            return math.inf
        return (half + math.sqrt(max(half**2 - square * rest, 0.0))) / square
