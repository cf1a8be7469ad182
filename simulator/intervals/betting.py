"""Confidence sequences by betting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from simulator.arrays import FloatArray
from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.intervals.user_terms import UserTerms
from simulator.statistic import Statistic

__all__ = ["BettingInterval"]

_STAKES = 0.9 * 2.0 ** -np.arange(12)
_CLOSE = 1e-9
_RICH = 1e6


@dataclass(frozen=True, slots=True)
class BettingInterval:
    """Values against which no bettor would have grown rich.

    A bettor who holds the true value to be above v stakes a fixed share λ on every user's excess d = z − v n, and has
    Π (1 + λ d) in the end; if v is the truth, that is at most 1 in expectation, so 2 / (1 − level) is reached in at
    most (1 − level) / 2 of all logs. Capital is spread over twelve stakes, the largest of which no user's excess
    can ruin: λ ≤ 1 / (n (v − row_low)) for the most decisions n of one user. Another bettor bets on lower values.

    Lower ends need no upper bound of row terms, and so none of the weights. For IPS with rewards up to r, the mirrored
    terms w (r − reward) have mean r − V as weights have mean 1; a lower end of theirs is an upper end of V. So both
    ends stand without a declared floor, and where there is one, half of each bettor's capital is on either kind.

    The stakes being fixed, the capital does not depend on the order of users, and its expectation is at most 1
    - for independent users, alike or not, given their numbers of decisions: Π E(1 + λd) ≤ exp(λ Σ E d) = 1;
    - in each moment as users come in, if they are alike: a confidence sequence, which may be looked at at any time;
    - if the probabilities learned from earlier rewards, of the same user and of others: the product is multilinear in
      rows of different users, and going back in time each row's expectation replaces it.

    Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024), §4 and the grid
    of stakes of its appendix; Waudby-Smith, Wu, Ramdas, Karampatziakis and Mineiro, "Anytime-valid off-policy
    inference for contextual bandits" (2022), §2, for the two kinds of terms.
    """

    name: str = "betting"
    resampled: bool = False
    by_user: bool = True
    adaptive: str = (
        "holds also where probabilities learned from earlier rewards, if these depend on their own arm alone"
    )

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:
        """Give the bounds; unavailable without a declared range of rewards."""
        terms = UserTerms.of(statistic, limits)
        if isinstance(terms, str):
            return Bounds.unavailable(terms)
        if limits.reward_low is None or limits.reward_high is None:
            return Bounds.unavailable("needs the range of rewards: --reward-max for money")
        views = [_View(terms.grouped(), None)]
        if limits.mirror_range is not None and limits.weights:
            weights = statistic.totals.column(limits.weights[0])
            mirrored = terms.mirrored(weights, limits.reward_high, limits.mirror_range)
            views.append(_View(mirrored.grouped(), limits.reward_high))
        above, below = ([view for view in views if view.open_to(side)] for side in (1.0, -1.0))
        if not above and not below:
            return Bounds.unavailable("needs the largest weight from a declared floor (--floor)")
        enough = math.log(2.0 / (1.0 - level))
        low = _end(above, 1.0, enough, terms.point, limits.reward_low, limits.reward_high)
        high = _end(below, -1.0, enough, terms.point, limits.reward_high, limits.reward_low)
        if low is None or high is None or low > high:
            return Bounds.unavailable("no value fits the rewards and a mean weight of 1: propensities are off")
        return Bounds.between(low, high)


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Terms of the value itself, or the mirrored ones, of reward_high − value."""

    terms: UserTerms
    reward_high: float | None

    def open_to(self, side: float) -> bool:
        """Whether one may bet that the value is above (side 1) or below (side −1): losses have to be bounded."""
        return math.isfinite(self._edge(self._turned(side)))

    def capital(self, value: float, side: float) -> float:
        """Log of the capital after betting that the value is above this one, or below it."""
        turned = self._turned(side)
        mean = value if self.reward_high is None else self.reward_high - value
        excess = turned * self.terms.excess(mean)
        room = turned * (mean - self._edge(turned)) * self.terms.most
        if room <= 0.0:
            # Nothing can be lost, so any gain is without limit.
            return math.inf if float(self.terms.multiplicity @ excess) > 0.0 else 0.0
        grown = np.log1p(np.multiply.outer(_STAKES / room, excess)) @ self.terms.multiplicity
        return _log_mean(grown)

    def _turned(self, side: float) -> float:
        return side if self.reward_high is None else -side

    def _edge(self, turned: float) -> float:
        return self.terms.row_low if turned > 0.0 else self.terms.row_high


def _log_mean(logs: Sequence[float] | FloatArray) -> float:
    """Log of the mean of numbers given by their logs."""
    return float(np.logaddexp.reduce(logs)) - math.log(len(logs))


def _end(views: Sequence[_View], side: float, enough: float, point: float, far: float, near: float) -> float | None:
    """Where the capital falls to what is enough, going from `far` to `near`; None where it never does."""
    if not views:
        return far

    def over(value: float) -> float:
        return min(_log_mean([view.capital(value, side) for view in views]) - enough, _RICH)

    if over(far) <= 0.0:
        return far
    between = min(max(point, min(far, near)), max(far, near))
    start, stop = (far, between) if over(between) <= 0.0 else (between, near)
    if over(stop) > 0.0:
        return None
    return float(brentq(over, start, stop, xtol=_CLOSE * abs(near - far), rtol=1e-12))
