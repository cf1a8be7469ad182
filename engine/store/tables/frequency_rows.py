"""The memory of a frequency table as arrays: the route for thousands of shoppers at a time."""

from __future__ import annotations

import mmap
from collections.abc import Sequence

import numpy as np

_BUCKET = 8
_ROUNDS = 64


class FrequencyRows:
    """Looks many shoppers up, gives them rows, and adds to them; see `FrequencyTable` for the layout and its rules.

    Attributes:
        low: Shape (buckets, 8), uint64, low halves of the keys; 0 where a slot is empty.
        high: Shape (8 · buckets,), uint64, their high halves.
        items: Shape (8 · buckets, width), int64.
    """

    def __init__(self, buffer: mmap.mmap, buckets: int, width: int) -> None:
        slots = buckets * _BUCKET
        words = np.frombuffer(buffer, dtype=np.uint64, count=slots * (2 + width))
        self.low = words[:slots].reshape(buckets, _BUCKET)
        self.high = words[slots : 2 * slots]
        self.items = words[2 * slots :].view(np.int64).reshape(slots, width)
        self._flat = words[2 * slots :].view(np.int64)
        self._lows = words[:slots]

    def find(self, keys: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Look shoppers up.

        Args:
            keys: Shape (n, 2), uint64.
            first: Shape (n,), int64, one bucket of each.
            second: The other.

        Returns:
            Slots, shape (n,), int64, -1 where there is none; and shape (n,), bool, whether an absent one finds an empty
            slot, which is not worked out for the others.
        """
        n = len(keys)
        low = lows_of(keys)
        both = np.empty((n, 2), dtype=np.int64)
        both[:, 0], both[:, 1] = first, second
        lines = self.low.take(both.ravel(), axis=0).reshape(n, 2 * _BUCKET)
        same = lines == low[:, None]
        place = same.argmax(axis=1)
        slots = np.where(place < _BUCKET, first * _BUCKET, second * _BUCKET - _BUCKET) + place
        matched = same[np.arange(n), place]
        twins = np.flatnonzero(matched & (self.high[slots] != keys[:, 1]))
        slots[~matched] = -1
        for row in twins.tolist():  # two shoppers with the same low half, which chance all but never makes
            buckets = np.repeat([first[row], second[row]], _BUCKET) * _BUCKET + np.tile(np.arange(_BUCKET), 2)
            right = np.flatnonzero(same[row] & (self.high[buckets] == keys[row, 1]))
            slots[row] = buckets[right[0]] if len(right) else -1
        roomy = np.ones(n, dtype=bool)
        absent = np.flatnonzero(slots < 0)
        roomy[absent] = (lines[absent] == 0).any(axis=1)
        return slots, roomy

    def holds(self, slots: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """Whether each slot is the shopper's: shape (n,), bool."""
        return (self._lows[slots] == lows_of(keys)) & (self.high[slots] == keys[:, 1])

    def insert(self, keys: np.ndarray, slots: np.ndarray, first: np.ndarray, second: np.ndarray) -> None:
        """Give absent shoppers an empty row each, in the emptier of their buckets; writes into `slots`.

        Those whose buckets are full stay at -1.
        """
        low = lows_of(keys)
        left = np.flatnonzero(slots < 0)
        for _ in range(_ROUNDS):
            if not len(left):
                return
            room = [(self.low[buckets[left]] == 0) for buckets in (first, second)]
            counts = [mask.sum(axis=1) for mask in room]
            other = counts[1] > counts[0]
            place = np.where(other, room[1].argmax(axis=1), room[0].argmax(axis=1))
            target = np.where(other, second[left], first[left]) * _BUCKET + place
            possible = np.flatnonzero(np.maximum(counts[0], counts[1]) > 0)
            chosen, which = np.unique(target[possible], return_index=True)
            rows = left[possible[which]]
            self.items[chosen] = 0
            self.high[chosen] = keys[rows, 1]
            self._lows[chosen] = low[rows]
            slots[rows] = chosen
            left = left[possible][slots[left[possible]] < 0]

    def add(self, slots: np.ndarray, caps: np.ndarray, items: np.ndarray, spans: Sequence[tuple[int, int]]) -> None:
        """Add an item to the spans of its caps, in place of the earliest there, unless it is there already.

        Args:
            slots: Shape (n,), no slot twice.
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


def lows_of(keys: np.ndarray) -> np.ndarray:
    """Low halves of keys; 0, which would look like an empty slot, becomes 1."""
    return np.maximum(keys[:, 0], np.uint64(1))
