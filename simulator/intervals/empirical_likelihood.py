"""The empirical likelihood interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import f as fisher

from simulator.arrays import FloatArray
from simulator.intervals.bounds import Bounds
from simulator.intervals.limits import Limits
from simulator.statistic import Statistic

__all__ = ["EmpiricalLikelihoodInterval"]

_STEPS = 60
_FAR = 100


@dataclass(frozen=True, slots=True)
class EmpiricalLikelihoodInterval:
    """Values that some reweighting of the users allows, if it need not be too uneven.

    Users are reweighted by q ≥ 0 so that the mean excess over v is 0 and weights π/p are 1 per decision; v is kept
    where the best such q costs −2 Σ log(U q) no more than Fisher's quantile above the best over all v. It takes its
    shape from the data: longer on the side of the large rewards. What is known of the weights tightens it, and moves
    it off the estimate where the weights drawn are off 1; it is widened to hold the estimate.

    Ratios and differences enter by their influence values ψ, so that the excess of a user with n of N decisions is
    ψ − (v − estimate) n / N: exact for values per decision, first-order for others.

    Source: Owen, Empirical Likelihood (2001), §3.4 and §12.3 for the dual, likelihood being the member λ → 0 of the
    Cressie–Read family (§3.15); Karampatziakis, Langford and Mineiro, "Empirical likelihood for contextual bandits"
    (2020), §3, for the constraint on the weights. Assumes independent users.
    """

    name: str = "empirical_likelihood"
    resampled: bool = False
    by_user: bool = False
    adaptive: str = "takes users as independent: not guaranteed where probabilities learned from earlier rewards"

    def bounds(self, statistic: Statistic, level: float, limits: Limits) -> Bounds:
        """Give the interval; unavailable with fewer than two rewarded users."""
        moments = _Moments.of(statistic, limits)
        if moments is None:
            return Bounds.unavailable("too few users to say how far off it is")
        least, centre = moments.centre()
        enough = float(fisher.ppf(level, 1, moments.users - 1.0)) + least
        low, high = (_end(moments, enough, centre, side) for side in (-1.0, 1.0))
        low, high = (statistic.point + moments.scale * away for away in (low, high))
        return Bounds.between(min(low, statistic.point), max(high, statistic.point))


@dataclass(frozen=True, slots=True, eq=False)
class _Moments:
    """Per user, in units of the standard error: influence, share of decisions, excess weights; multiplicity."""

    influence: FloatArray
    share: FloatArray
    excess: FloatArray
    multiplicity: FloatArray
    users: float
    scale: float

    @classmethod
    def of(cls, statistic: Statistic, limits: Limits) -> _Moments | None:
        totals = statistic.totals
        m, influence = totals.multiplicity, statistic.influence
        scale = math.sqrt(float(m @ influence**2))
        if not scale > 0.0 or np.count_nonzero(influence) < 2:
            return None
        size = np.ones_like(m) if limits.decisions is None else totals.column(limits.decisions)
        excess = [totals.column(key) - size for key in limits.weights] if limits.decisions is not None else []
        spreads = [math.sqrt(float(m @ one**2)) for one in excess]
        kept = [one / spread for one, spread in zip(excess, spreads, strict=True) if spread > 0.0]
        return cls(
            influence / scale,
            size / float(m @ size),
            np.array(kept).reshape(len(kept), m.size),
            m,
            float(m.sum()),
            scale,
        )

    def centre(self) -> tuple[float, float]:
        """Cost of the constraints on the weights alone, and the value that adds nothing to it."""
        if not len(self.excess):
            return 0.0, 0.0
        cost, tilt = _dual(self.excess, self.multiplicity)
        weight = self.multiplicity / np.maximum(1.0 + tilt @ self.excess, 1.0 / self.users)
        return cost, float(weight @ self.influence) / float(weight @ self.share)

    def cost(self, away: float) -> float:
        """What it costs for the value to be this far from the estimate."""
        excess = self.influence - away * self.share
        return _dual(np.vstack((excess, self.excess)), self.multiplicity)[0]


def _end(moments: _Moments, enough: float, centre: float, side: float) -> float:
    """Where the cost rises to what is enough, in standard errors from the estimate; infinite if it never does."""
    near, far = centre, centre + side
    if not moments.cost(near) < enough:
        # Influences are rounding alone, as in the difference of two policies that answer alike: no width is left.
        return near
    for _ in range(_FAR):
        if moments.cost(far) > enough:
            return float(brentq(lambda away: moments.cost(away) - enough, near, far, xtol=1e-5))
        near, far = far, far + side
    return side * math.inf


def _dual(moments: FloatArray, multiplicity: FloatArray) -> tuple[float, FloatArray]:
    """Maximise 2 Σ log(1 + t · g) over the tilt t by Newton's method, for moments g of shape (q, B).

    The logarithm goes on as a quadratic below 1 / U, so that it is defined everywhere (Owen 2001, eq. 12.4).
    """
    least = 1.0 / float(multiplicity.sum())
    tilt = np.zeros(len(moments))
    cost = 0.0
    for _ in range(_STEPS):
        inner = 1.0 + tilt @ moments
        safe = np.maximum(inner, least)
        short = np.minimum(inner - least, 0.0) / least
        first = (1.0 - short) / safe
        slope = moments @ (multiplicity * first)
        curve = (moments * (multiplicity / safe**2)) @ moments.T
        step = np.linalg.lstsq(curve, slope, rcond=None)[0]
        gain = float(slope @ step)
        if gain < 1e-10:
            break
        taken, risen = 1.0, _log(1.0 + (tilt + step) @ moments, least, multiplicity)
        while risen < cost and taken > 1e-6:
            taken /= 2.0
            risen = _log(1.0 + (tilt + taken * step) @ moments, least, multiplicity)
        tilt, cost = tilt + taken * step, risen
    return 2.0 * cost, tilt


def _log(inner: FloatArray, least: float, multiplicity: FloatArray) -> float:
    short = np.minimum(inner - least, 0.0) / least
    return float(multiplicity @ (np.log(np.maximum(inner, least)) + short - short**2 / 2.0))
