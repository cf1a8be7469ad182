"""Finds keys that occur more than once, in a bounded amount of memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import HashArray, IntArray

__all__ = ["Repeats"]

_MOST = 1 << 23


class Repeats:
    """Keeps hashes of keys and their lines; sorted at the end, equal ones stand side by side.

    Above eight million keys only those whose hash ends in a zero bit are kept, then in two, and so on: whoever is
    kept is kept each time, so that repeats are found among a known share of all keys.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: list[tuple[HashArray, IntArray, IntArray]] = []
        self._size, self._bits = 0, 0

    @property
    def share(self) -> float:
        """Share of keys that were kept."""
        return 2.0**-self._bits

    def add(self, keys: HashArray, line: IntArray, count: IntArray) -> None:
        """Take keys, already well mixed, with their line and the decisions of their row, each of shape (k,)."""
        self._kept.append(self._thinned(keys, line, count))
        self._size += self._kept[-1][0].size
        while self._size > self._most:
            self._bits += 1
            self._kept = [self._thinned(*kept) for kept in self._kept]
            self._size = sum(keys.size for keys, _, _ in self._kept)

    def found(self, most: int = 5) -> tuple[int, list[int]]:
        """Give how many decisions repeat an earlier key, scaled up from the share kept, and the first lines."""
        if not self._size:
            return 0, []
        keys, line, count = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        order = np.lexsort((line, keys))
        keys, line, count = keys[order], line[order], count[order]
        again: NDArray[np.bool_] = np.concatenate(([False], keys[1:] == keys[:-1]))
        lines = np.unique(line[again])[:most]
        return round(float(count[again].sum()) / self.share), lines.tolist()

    def _thinned(self, keys: HashArray, line: IntArray, count: IntArray) -> tuple[HashArray, IntArray, IntArray]:
        if not self._bits:
            return keys, line, count
        kept = keys & np.uint64((1 << self._bits) - 1) == 0
        return keys[kept], line[kept], count[kept]
