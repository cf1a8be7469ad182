"""Whether users' draws repeat more than their probabilities say."""

from __future__ import annotations

import numpy as np

from simulator.arrays import FloatArray
from simulator.sample_ratio.draws import Draws

__all__ = ["BUCKETS", "Dispersion"]

BUCKETS = 4096
_SIGNIFICANT = 4.0
_STICKY = 0.05
_REPEATED = 0.05


class Dispersion:
    """How far counts vary between users, against what independent draws would give.

    A test that assigns users, not decisions, gives a user the same arm again and again: counts then vary as many
    times more as a user has decisions, although the probabilities are right. Arms are told apart by a random number
    each, users by bucket; the common deviation is taken out, so that a fault of the probabilities does not hide itself.
    """

    def __init__(self) -> None:
        self._deviation = np.zeros(BUCKETS)
        self._variance = np.zeros(BUCKETS)
        self._decisions = 0.0

    def add(self, draws: Draws) -> None:
        """Take a block whose probabilities are all known; rows without a user are left out."""
        if not draws.user.any():
            return
        side = draws.sides[draws.eligible]
        rows = draws.arm.size
        mean = np.bincount(draws.row_of, weights=draws.p * side, minlength=rows)
        square = np.bincount(draws.row_of, weights=draws.p * side**2, minlength=rows)
        count = draws.count * (draws.user != 0)
        bucket = draws.user % BUCKETS
        self._deviation += np.bincount(bucket, count * (draws.sides[draws.arm] - mean), minlength=BUCKETS)
        self._variance += np.bincount(bucket, count * np.maximum(square - mean**2, 0.0), minlength=BUCKETS)
        self._decisions += float(count.sum())

    def merge(self, other: Dispersion) -> None:
        """Add what another has seen."""
        self._deviation += other._deviation
        self._variance += other._variance
        self._decisions += other._decisions

    def factor(self, users: float) -> tuple[float, float]:
        """Give the variance over what independent draws would have, 1 unless users clearly repeat, and its degrees.

        Args:
            users: Number of users, about.

        Returns:
            The factor, and how many buckets it is known from.
        """
        total = float(self._variance.sum())
        known = total**2 / float(np.sum(self._variance**2)) if total > 0 else 0.0
        if known < 2.0 or users < 2.0:
            return 1.0, np.inf
        centred: FloatArray = self._deviation - self._variance / total * self._deviation.sum()
        independent = total * (1.0 - 1.0 / known)
        found = float(np.sum(centred**2)) / independent
        # Rare arms make squares vary more than normal ones would.
        error = max((2.0 / known) ** 0.5, float(np.sum((centred**2 - self._variance) ** 2)) ** 0.5 / independent)
        # Far less than whole users repeating is a fault between users, which is to be seen, not allowed for.
        repeated = self._decisions / users - 1.0
        if repeated < _REPEATED or found - 1.0 <= max(_SIGNIFICANT * error, _STICKY * repeated):
            return 1.0, np.inf
        return found, known
