"""Periods of a log in time, found while it is read."""

from __future__ import annotations

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.log import NO_TIME
from simulator.timestamps import rfc3339

__all__ = ["SLOTS", "Periods", "moved"]

_TIMED = 256
#: Slots of time, and a last one for rows without a time.
SLOTS = _TIMED + 1
_PERIODS = 20


class Periods:
    """Slots of time of equal width, a power of two, which widen as the log turns out longer; then equal counts.

    Rows may come in any order: a log sorted by arm must not seem to change over time. At the end neighbouring slots
    make up to 20 periods of about equally many decisions.
    """

    def __init__(self) -> None:
        self._low, self._high = np.iinfo(np.int64).max, NO_TIME
        self._bits, self._base = 0, 0

    def room(self, times: IntArray) -> IntArray | None:
        """Make room for times, shape (n,); give each slot's new place when slots moved, shape (SLOTS,)."""
        stated = times[times != NO_TIME]
        if not stated.size:
            return None
        low, high = min(self._low, int(stated.min())), max(self._high, int(stated.max()))
        if (low, high) == (self._low, self._high):
            return None
        self._low, self._high = low, high
        bits, base = self._bits, self._base
        while (high >> self._bits) - (low >> self._bits) >= _TIMED:
            self._bits += 1
        self._base = low >> self._bits
        if (bits, base) == (self._bits, self._base):
            return None
        moved = ((base + np.arange(SLOTS)) >> (self._bits - bits)) - self._base
        # Slots that lie outside are empty still.
        moved = np.clip(moved, 0, _TIMED - 1)
        moved[_TIMED] = _TIMED
        return moved

    def slots(self, times: IntArray) -> IntArray:
        """Give the slot of each time there is room for, shape (n,)."""
        return np.where(times == NO_TIME, _TIMED, (times >> self._bits) - self._base)

    def grouped(self, decisions: FloatArray) -> tuple[IntArray, int]:
        """Divide slots into periods.

        Args:
            decisions: Of each slot, shape (SLOTS,).

        Returns:
            Period of each slot, −1 for the one without time, shape (SLOTS,), and the number of periods; none where
            there is one at most.
        """
        timed = decisions[:_TIMED]
        period = np.full(SLOTS, -1)
        before = np.cumsum(timed) - timed
        aimed = np.floor(before / max(timed.sum(), 1.0) * _PERIODS).astype(np.int64)
        filled = np.flatnonzero(timed > 0)
        known = np.unique(aimed[filled])
        if known.size < 2:
            return period, 0
        period[filled] = np.searchsorted(known, aimed[filled])
        return period, int(known.size)

    def start(self, slot: int) -> str:
        """Say when a slot begins, to the second."""
        return rfc3339(max((self._base + slot) << self._bits, self._low))[:19]


def moved(sums: FloatArray, place: IntArray, axis: int) -> FloatArray:
    """Add up slots along an axis that move to the same place; cells after the slots stay."""
    if not sums.shape[axis]:
        return sums
    cells = np.moveaxis(sums, axis, 0)
    fresh = np.zeros_like(cells)
    np.add.at(fresh, place, cells[:SLOTS])
    fresh[SLOTS:] = cells[SLOTS:]
    return np.moveaxis(fresh, 0, axis)
