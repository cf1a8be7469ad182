"""The memory of a frequency table as arrays: the route for thousands of shoppers at a time."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Sequence

import numpy as np

_BUCKET = 8
_ROUNDS = 64

NO_ROOM = -(1 << 62)
"""In place of a slot: the shopper is absent, and both buckets are full."""


class FrequencyRows:
    """Looks many shoppers up, gives them rows, and adds to them; see `FrequencyTable` for the layout and its rules.

    Attributes:
        low: Shape (buckets, 8), uint64, low halves of the keys; 0 where a slot is empty.
        high: Shape (8 · buckets,), uint64, their high halves.
        items: Shape (8 · buckets, width), int64.
    """

    def __init__(self, buffer: mmap.mmap, buckets: int, width: int) -> None:
        assert sys.byteorder == "little", "the memory's layout"
        slots = buckets * _BUCKET
        words = np.frombuffer(buffer, dtype=np.uint64, count=slots * (2 + width))
        self.low = words[:slots].reshape(buckets, _BUCKET)
        self.high = words[slots : 2 * slots]
        self.items = words[2 * slots :].view(np.int64).reshape(slots, width)
        self._flat = words[2 * slots :].view(np.int64)
        self._lows = words[:slots]

    def find(self, keys: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Look shoppers up.

        Args:
            keys: Shape (n, 2), uint64.
            first: Shape (n,), int64, one bucket of each.
            second: The other.

        Returns:
            Shape (n,), int64: the shopper's slot; where there is none, −1 − an empty slot of the emptier of both
            buckets, or `NO_ROOM` where they are full.
        """
        n = len(keys)
        low = lows_of(keys)
        both = np.empty((n, 2), dtype=np.int64)
        both[:, 0], both[:, 1] = first, second
        lines = self.low.take(both.ravel(), axis=0).reshape(n, 2 * _BUCKET)
        same = lines == low[:, None]
        halves = same.view(np.uint64)
        in_first = halves[:, 0] != 0
        place = _first_of(np.where(in_first, halves[:, 0], halves[:, 1]))
        slots = np.where(in_first, first, second) * _BUCKET + place
        matched = place < _BUCKET
        absent = np.flatnonzero(~matched)
        slots[absent] = self._empty(lines, first, second, absent)
        found = np.flatnonzero(matched)
        twins = found[self.high[slots[found]] != keys[found, 1]]
        for row in twins.tolist():  # two shoppers with the same low half, which chance all but never makes
            buckets = np.repeat([first[row], second[row]], _BUCKET) * _BUCKET + np.tile(np.arange(_BUCKET), 2)
            right = np.flatnonzero(same[row] & (self.high[buckets] == keys[row, 1]))
            slots[row] = buckets[right[0]] if len(right) else self._empty(lines, first, second, np.array([row]))[0]
        return slots

    def _empty(self, lines: np.ndarray, first: np.ndarray, second: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What `find` says of rows that are absent; `lines` has shape (n, 16), the low halves of both buckets."""
        room = (lines[rows] == 0).view(np.uint64)
        counts = np.bitwise_count(room)
        other = counts[:, 1] > counts[:, 0]
        place = _first_of(np.where(other, room[:, 1], room[:, 0]))
        slots = np.where(other, second[rows], first[rows]) * _BUCKET + place
        return np.where(place < _BUCKET, -1 - slots, NO_ROOM)

    def holds(self, slots: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Whether each slot is the shopper's: shape (n,), bool."""
        return (self._lows[slots] == lows_of(keys)) & (self.high[slots] == keys[:, 1])

    def insert(self, keys: np.ndarray, slots: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        """Give absent shoppers an empty row each, in the emptier of their buckets; writes into `slots`.

        Those whose buckets are full stay below 0.

        Args:
            keys: Shape (n, 2), uint64.
            slots: Shape (n,), from `find`; that an offered slot is empty is checked.
            first: Shape (n,), int64, one bucket of each.
            second: The other.
        """
        low = lows_of(keys)
        left = np.flatnonzero((slots < 0) & (slots > NO_ROOM))
        for _ in range(_ROUNDS):
            if not len(left):
                return
            target = -1 - slots[left]
            free = self._lows[target] == 0
            left, target, taken = left[free], target[free], left[~free]
            # Rows that are offered one slot write their number there, and one of them finds its own again.
            self.high[target] = left
            mine = self.high[target] == left.astype(np.uint64)
            rows, chosen = left[mine], target[mine]
            self.items[chosen] = 0
            self.high[chosen] = keys[rows, 1]
            self._lows[chosen] = low[rows]
            slots[rows] = chosen
            left = np.concatenate([left[~mine], taken])
            slots[left] = self.find(keys[left], first[left], second[left])
            left = left[slots[left] > NO_ROOM]

    def add(self, slots: np.ndarray, caps: np.ndarray, items: np.ndarray, spans: Sequence[tuple[int, int]]) -> None:
        """Add an item to the spans of its caps, in place of the earliest there, unless it is there already.

        Args:
            slots: Shape (n,), no slot twice but where `caps` is 0.
            caps: Shape (n,), bit i for span i; 0 leaves a row alone.
            items: Shape (n,).
            spans: (first, end) of each cap.
        """
        width, present = self.items.shape[1], self.items.take(slots, axis=0)
        for i, (begin, end) in enumerate(spans):
            rows = np.flatnonzero(caps >> i & 1)
            if not len(rows):
                continue
            found, item = present[rows], items[rows]
            place, earliest, new = np.full(len(rows), begin), found[:, begin].copy(), found[:, begin] != item
            for column in range(begin + 1, end):
                here = found[:, column]
                new &= here != item
                place[here < earliest] = column
                np.minimum(earliest, here, out=earliest)
            new &= earliest < item
            self._flat[slots[rows[new]] * width + place[new]] = item[new]

    def taken(self, begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        """Copies of the keys, shape (n, 2), and items, shape (n, width), of the shoppers in some buckets that have any.

        Args:
            begin: First bucket.
            end: The one behind the last.
        """
        slots = begin * _BUCKET + np.flatnonzero(self._lows[begin * _BUCKET : end * _BUCKET])
        slots = slots[self.items[slots].any(axis=1)]
        return np.stack([self._lows[slots], self.high[slots]], axis=1), self.items[slots]


def _first_of(flags: np.ndarray) -> np.ndarray:
    """The first of eight flags that is set, a byte of a word each, 8 where none is: shape (n,), of uint64."""
    return np.bitwise_count(flags ^ (flags - np.uint64(1))) >> np.uint8(3)


def lows_of(keys: np.ndarray) -> np.ndarray:
    """Low halves of keys; 0, which would look like an empty slot, becomes 1."""
    return np.maximum(keys[:, 0], np.uint64(1))
