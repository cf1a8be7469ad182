"""Evidence against propensities where only the chosen arm's is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from simulator.arrays import FloatArray, IntArray
from simulator.sample_ratio.counts import grown
from simulator.sample_ratio.draws import Draws
from simulator.sample_ratio.periods import SLOTS, moved

__all__ = ["Bets"]

#: Shares of the stake, for faults of half the propensity down to a thousandth of its reciprocal.
_SHARES = 2.0 ** -np.arange(1.0, 15.0)


class Bets:
    """Bets that an arm is drawn more often than its propensity says, by cell and group of arms.

    An arm's weight, 1 / (p · arms of the group) where one of the group was drawn and 0 elsewhere, has mean 1 whatever
    the other probabilities were. A stake that goes from 1 to Π (1 + λ(w − 1)) is then fair, and ends above 1 / α with
    probability at most α (Ville 1939): no variance is needed, which a log with rare small propensities cannot give.
    The mean over a grid of λ is such a stake too. It sees propensities that are too small; where true and stated
    probabilities both sum to 1, some arm's has to be.

    Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting" (2024), §3.

    Attributes:
        gains: Logarithm of the stake for each λ, shape (shares, cells, groups).
        sums: Decisions where the group was eligible, summed weights, their summed variance, shape (3, cells, groups).
        decisions: Number of decisions.
        by_slot: Number of decisions by slot of time, shape (slots,).
    """

    def __init__(self) -> None:
        self.gains: NDArray[np.float64] = np.zeros((_SHARES.size, 0, 0))
        self.sums: NDArray[np.float64] = np.zeros((3, 0, 0))
        self.decisions = 0.0
        self.by_slot = np.zeros(SLOTS)

    def add(self, draws: Draws) -> None:
        """Take a block of rows; a user's draws have to be independent, so one a user is the caller's to choose."""
        if not draws.arm.size:
            return
        shape = (draws.cell_count, draws.groups)
        self.gains = grown(self.gains, (_SHARES.size, *shape))
        self.sums = grown(self.sums, (3, *shape))
        arms = draws.by_group(np.ones(draws.eligible.size))
        eligible = draws.by_cell((arms > 0.0).astype(np.float64))
        weight = 1.0 / (draws.propensity * arms[np.arange(draws.arm.size), draws.group])
        self.sums[0] += eligible
        self.sums[1] += draws.chosen_by_cell(draws.count * weight)
        self.sums[2] += draws.chosen_by_cell(draws.count * weight * np.maximum(weight - 1.0, 0.0))
        for place, share in enumerate(_SHARES):
            lost = float(np.log1p(-share))
            won = draws.chosen_by_cell(draws.count * (np.log1p(share * (weight - 1.0)) - lost))
            self.gains[place] += eligible * lost + won
        self.decisions += float(draws.count.sum())
        self.by_slot += np.bincount(draws.cells[:, 0], draws.count, minlength=SLOTS)

    def move(self, place: IntArray) -> None:
        """Move slots of time to new places."""
        self.gains, self.sums = moved(self.gains, place, 1), moved(self.sums, place, 1)
        self.by_slot = moved(self.by_slot, place, 0)

    @staticmethod
    def p_values(gains: FloatArray) -> FloatArray:
        """Give one over the mean stake, at most 1; shape (shares, …) to shape (…)."""
        stake = logsumexp(gains, axis=0) - np.log(_SHARES.size)
        return np.asarray(np.exp(-np.maximum(stake, 0.0)))
