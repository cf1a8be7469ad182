"""A mean of bounded row terms, user by user."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.arrays import FloatArray
from simulator.intervals.limits import Limits
from simulator.statistic import Statistic

__all__ = ["UserTerms"]


@dataclass(frozen=True, slots=True, eq=False)
class UserTerms:
    """V = Σ z / Σ n over users, z a user's sum of row terms in [row_low, row_high], n the number of its decisions.

    At the true V the excesses z − V n add up to 0 in expectation, and each lies between n (row_low − V) and
    n (row_high − V). How many decisions each user has is a fact of the design, no outcome, and may be read off the
    log; so V is the mean over the decisions that were made, whoever made many or few.

    Attributes:
        point: The estimate of V.
        centred: z − point · n, shape (B,); adds up to 0.
        decisions: n, shape (B,).
        multiplicity: How many users an entry stands for, shape (B,).
        row_low: Lower end of a row term; may be infinite.
        row_high: Upper end.
    """

    point: float
    centred: FloatArray
    decisions: FloatArray
    multiplicity: FloatArray
    row_low: float
    row_high: float

    @classmethod
    def of(cls, statistic: Statistic, limits: Limits) -> UserTerms | str:
        """Take a statistic apart, or say why it is no mean of bounded row terms."""
        if limits.row_range is None or limits.decisions is None:
            return (
                "needs bounded row terms: a value per decision by IPS or DR, with --floor, and --reward-max for money"
            )
        decisions = statistic.totals.column(limits.decisions)
        multiplicity = statistic.totals.multiplicity
        # The influence of a ratio of sums is (z − point · n) / Σn, and of differences of such ratios likewise.
        centred = statistic.influence * float(multiplicity @ decisions)
        return cls(statistic.point, centred, decisions, multiplicity, *limits.row_range)

    def mirrored(self, weights: FloatArray, reward_high: float, mirror_range: tuple[float, float]) -> UserTerms:
        """Take weight × reward_high − numerator instead: its mean is reward_high − V, since weights are 1 in the mean.

        Args:
            weights: Sum of each user's weights, shape (B,).
            reward_high: Greatest reward.
            mirror_range: Range of a row's new term.
        """
        point = reward_high - self.point
        centred = reward_high * weights - (self.centred + self.point * self.decisions) - point * self.decisions
        return UserTerms(point, centred, self.decisions, self.multiplicity, *mirror_range)

    def excess(self, value: float) -> FloatArray:
        """Give z − value · n, shape (B,)."""
        return self.centred + (self.point - value) * self.decisions

    def grouped(self) -> UserTerms:
        """Put users alike together: where rewards are rare or few-valued, most of them are."""
        order = np.lexsort((self.centred, self.decisions))
        centred, decisions = self.centred[order], self.decisions[order]
        new = np.ones(order.size, dtype=bool)
        new[1:] = (np.diff(centred) != 0.0) | (np.diff(decisions) != 0.0)
        together = np.add.reduceat(self.multiplicity[order], np.flatnonzero(new))
        return replace(self, centred=centred[new], decisions=decisions[new], multiplicity=together)

    @property
    def most(self) -> float:
        """Most decisions of one user."""
        return float(self.decisions.max(initial=0.0))
