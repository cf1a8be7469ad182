"""Counts of whole numbers in bins, for quantiles and for who lies beyond them."""

from __future__ import annotations

import numpy as np

from simulator.arrays import FloatArray, IntArray

__all__ = ["Bins"]

_LINES = 5


class Bins:
    """Decisions by integer bin, with the first lines of each; there should be few bins, thousands at most."""

    def __init__(self) -> None:
        self._count: dict[int, int] = {}
        self._lines: dict[int, list[int]] = {}

    def add(self, bins: IntArray, line: IntArray, count: IntArray) -> None:
        """Count decisions by bin, each array of shape (k,)."""
        known, first, place = np.unique(bins, return_index=True, return_inverse=True)
        sums = np.bincount(place, weights=count).astype(np.int64)
        for name, where, total in zip(known.tolist(), first.tolist(), sums.tolist(), strict=True):
            self._count[name] = self._count.get(name, 0) + total
            lines = self._lines.setdefault(name, [])
            if len(lines) < _LINES:
                lines.append(int(line[where]))

    @property
    def decisions(self) -> int:
        """How many were counted."""
        return sum(self._count.values())

    def quantile(self, share: float) -> int:
        """Give the bin by which `share` of the decisions lie at or below."""
        known, sums = self._sorted()
        return int(known[min(int(np.searchsorted(sums, share * sums[-1])), known.size - 1)])

    def outside(self, low: float, high: float) -> tuple[int, list[int]]:
        """Count decisions in bins below `low` or above `high`, with their first lines."""
        odd = [name for name in self._count if not low <= name <= high]
        lines = sorted(line for name in odd for line in self._lines[name])
        return sum(self._count[name] for name in odd), lines[:_LINES]

    def _sorted(self) -> tuple[IntArray, FloatArray]:
        known = np.array(sorted(self._count), dtype=np.int64)
        return known, np.cumsum([float(self._count[int(name)]) for name in known])
