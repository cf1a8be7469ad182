"""Confidence sequences by betting."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.intervals.user_terms import UserTerms
from simulator.statistic import Statistic

__all__ = ["BettingInterval"]

_STAKES = 0.9 * 2.0 ** -np.arange(12)
_CLOSE = 1e-6


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
        mirror = None
        if limits.mirror_range is not None and limits.weights:
            weights = statistic.totals.column(limits.weights[0])
            mirror = terms.mirrored(weights, limits.reward_high, limits.mirror_range)
        above = [_bet(terms, 1.0, 0.0, 1.0)] + ([_bet(mirror, -1.0, limits.reward_high, -1.0)] if mirror else [])
        below = [_bet(terms, -1.0, 0.0, 1.0)] + ([_bet(mirror, 1.0, limits.reward_high, -1.0)] if mirror else [])
        bettors = [[bet for bet in bets if bet is not None] for bets in (above, below)]
        if not bettors[0] and not bettors[1]:
            return Bounds.unavailable("needs the largest weight from a declared exploration floor")
        enough = math.log(2.0 / (1.0 - level))
        span = (limits.reward_low, limits.reward_high)
        low, high = (
            _end(bets, enough, terms.point, *way) for bets, way in zip(bettors, (span, span[::-1]), strict=True)
        )
        if low is None or high is None or low > high:
            return Bounds.unavailable("no value fits the rewards and a mean weight of 1: propensities are off")
        return Bounds.between(low, high)


_Bet = Callable[[float], float]


def _bet(terms: UserTerms, side: float, offset: float, sign: float) -> _Bet | None:
    """Log of the capital against a value, betting that the terms' mean is above (side 1) or below it (side −1).

    Terms are those of offset + sign · value. None where nothing may be staked.
    """
    edge = terms.row_low if side > 0 else terms.row_high
    if not math.isfinite(edge):
        return None

    def capital(value: float) -> float:
        mean = offset + sign * value
        room = side * (mean - edge) * terms.most
        if room <= 0.0:
            return math.inf if float(terms.multiplicity @ (side * terms.excess(mean))) > 0.0 else 0.0
        return float(logsumexp(_grown(side / room * terms.excess(mean), terms)) - math.log(_STAKES.size))

    return capital


def _grown(excess: np.ndarray, terms: UserTerms) -> Sequence[float]:
    return [float(terms.multiplicity @ np.log1p(stake * excess)) for stake in _STAKES]


def _end(bets: Sequence[_Bet], enough: float, point: float, far: float, near: float) -> float | None:
    """Where the capital falls to what is enough, going from `far` to `near`; None where it never does."""
    if not bets:
        return far

    def over(value: float) -> float:
        grown = float(logsumexp([bet(value) for bet in bets])) - math.log(len(bets)) - enough
        return min(grown, 1e6)

    if over(far) <= 0.0:
        return far
    start = min(max(point, min(far, near)), max(far, near))
    if over(start) > 0.0:
        far, start = start, near
        if over(near) > 0.0:
            return None
    return float(brentq(over, far, start, xtol=_CLOSE * abs(near - far), rtol=1e-12))
