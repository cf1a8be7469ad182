"""What the sensitivity bands of one policy are made of: its rows, summed by equal reward."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.sensitivity import sensitivity_band

__all__ = ["SensitivitySums"]

Band = tuple[float, float]

_REWARD, _COUNT = 0, 1


class SensitivitySums:
    """Sums of counts, weights and target probabilities over the rows of each distinct reward.

    Bands put the same bound on all rows of equal reward, and what they add up is linear in the rest, so that bands of
    the sums are those of the rows: a few numbers for clicks, whatever the length of the log. A row whose propensity was
    recorded is not in doubt: it enters as if it had been played for certain, which leaves its weight as it is.
    """

    def __init__(self) -> None:
        self._table = np.zeros((4, 0))
        self._waiting: list[FloatArray] = []
        self._waiting_rows = 0

    def add(
        self, weight: FloatArray, propensity: FloatArray, reward: FloatArray, count: FloatArray, estimated: BoolArray
    ) -> None:
        """Take rows into account, all of shape (n,).

        Args:
            weight: π(aᵢ | xᵢ) / pᵢ of the logged arm.
            propensity: pᵢ, in (0, 1].
            reward: What is estimated the mean of.
            count: How many decisions a row stands for.
            estimated: Whether pᵢ is an estimate.
        """
        weighed = count * weight
        self._waiting.append(
            _summed(np.stack((reward, count, weighed, weighed * np.where(estimated, propensity, 1.0))))
        )
        self._waiting_rows += self._waiting[-1].shape[1]
        # Merged when as many wait as there are, so that the work is linear in the rows.
        if self._waiting_rows > self._table.shape[1]:
            self._merge()

    def band(self, gamma: float, *, self_normalised: bool) -> Band:
        """Give the least and the largest estimate when the odds of estimated propensities may be off by Γ.

        Args:
            gamma: Γ, at least 1.
            self_normalised: Whether the estimate is SNIPS, or else IPS.

        Returns:
            Low and high; NaN where all weights are 0.
        """
        self._merge()
        reward, count, weighed, played = self._table
        there = np.where(weighed > 0, weighed, 1.0)
        propensity = np.where(weighed > 0, played / there, 1.0)
        return sensitivity_band(
            weighed / count, propensity, reward, gamma, count=count, self_normalised=self_normalised
        )

    @property
    def logged(self) -> float:
        """Mean reward of the rows as they were logged, which needs no propensity."""
        self._merge()
        return float(self._table[_REWARD] @ self._table[_COUNT] / self._table[_COUNT].sum())

    def _merge(self) -> None:
        if self._waiting:
            self._table = _summed(np.concatenate((self._table, *self._waiting), axis=1))
            self._waiting, self._waiting_rows = [], 0


def _summed(table: FloatArray) -> FloatArray:
    """Add up the columns of equal reward."""
    reward, place = np.unique(table[_REWARD], return_inverse=True)
    sums = [np.bincount(place, weights=row, minlength=reward.size) for row in table[_COUNT:]]
    return np.stack((reward, *sums))
