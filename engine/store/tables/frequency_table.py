"""Shopper → the latest sends that caps count."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

import numpy as np

from engine.core.cap_windows import CapWindows, id_bits, is_item_of
from engine.core.frequency_cap import FrequencyCap
from engine.store.tables.frequency_rows import NO_ROOM, FrequencyRows
from engine.store.tables.shared_memory import SharedMemory
from engine.store.tables.table_lock import NullLock, TableLock

FULL = 1 << 16
"""In the answer of `blocked`: there is no room to count a send of this shopper."""

_BUCKET = 8
_LINE = 8 * _BUCKET
_LOW_32 = (1 << 32) - 1
_EMPTY = bytes(8)
_ONE = b"\1" + bytes(7)
"""Stands for a low half of zeros, which would look like an empty slot."""
_ROWS = 1 << 14
_PART = 1 << 12
"""Buckets that are copied under one lock: less than a millisecond."""


class FrequencyTable:
    """A bounded hash table with a row of items for every shopper who was sent something.

    A shopper's 16 bytes name two buckets of eight; a new one goes to the emptier. With no more than `users` of them
    there is room, all but certainly. Where both buckets are full, a shopper whose sends are all past makes room; if
    there is none, the send is refused, since forgetting one would break a cap.

    One worker at a time may use it, under `lock`, from asking `blocked` to the `count` of what was drawn then. Workers
    may be killed at any moment: every change of a row is one aligned store of 8 bytes, and a shopper's key is stored
    after the empty row, low half last, and taken away before the row is reused. So what a killed worker leaves is a row
    as it was, or with one more send in it, never one less.

    ::

        low halves of the keys, 8 to a bucket, one cache line each | high halves | rows of items

    Attributes:
        windows: The caps' arithmetic.
        lock: Excludes the other workers.
        users: Shoppers that fit.
        rows: The same memory as arrays.
    """

    def __init__(
        self,
        caps: Sequence[FrequencyCap],
        users: int,
        memory: SharedMemory | None = None,
        shared: bool = False,
        lock: TableLock | NullLock | None = None,
    ) -> None:
        """Make the table.

        Args:
            caps: At least one.
            users: Shoppers that fit.
            memory: Where it lies, of `table_size` bytes; by default memory of its own, empty at first.
            shared: Whether other processes use it.
            lock: Another table's, where both are always used together; by default one of its own.
        """
        self.windows = CapWindows(caps)
        self.users = users
        self._buckets = buckets_for(users)
        self.memory = memory or SharedMemory("armsreach-caps", table_size(caps, users))
        self.lock: TableLock | NullLock = lock or (TableLock(self.memory.fd) if shared else NullLock())
        self._buffer = self.memory.buffer
        self._words = memoryview(self._buffer).cast("Q")
        self._high = self._buckets * _BUCKET
        self._items = 2 * self._high
        self._width = self.windows.width
        self._row = struct.Struct(f"@{self._width}Q")
        self.rows = FrequencyRows(self._buffer, self._buckets, self._width)
        self._plan = tuple((*span, 1 << i) for i, span in enumerate(self.windows.spans))

    def blocked(self, key: bytes, at: float) -> int:
        """The caps that allow a shopper no further send.

        Args:
            key: The shopper, 16 bytes.
            at: The present, in seconds since 1970.

        Returns:
            Bit i for cap i; or `FULL` where there is no room to count a send.
        """
        return self.look(key, at)[0]

    def look(self, key: bytes, at: float) -> tuple[int, int]:
        """What `blocked` says, and where the shopper is or may be, for `count` in the same stretch under `lock`."""
        slot = self._find(key)
        if slot >= 0:
            row = self._row.unpack_from(self._buffer, 8 * (self._items + slot * self._width))
            return self.windows.reached(row, at), slot
        free = self._free(key)
        if free >= 0:
            return 0, -1 - free
        return (0 if self._past(key, at) >= 0 else FULL), NO_ROOM

    def blocked_rows(self, keys: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same for many shoppers.

        Args:
            keys: Shape (n, 2), uint64: the low and the high half of each, as little-endian bytes.
            at: Shape (n,), or (1,) for one time of all.

        Returns:
            The bits, shape (n,), int64; and where the shoppers are or may be, for `count_rows`.
        """
        slots = self._find_rows(keys)
        bits = np.zeros(len(keys), dtype=np.int64)
        known = np.flatnonzero(slots >= 0)
        if len(known):
            bits[known] = self.windows.reached_rows(
                self.rows.items.take(slots[known], axis=0), at if len(at) == 1 else at[known]
            )
        for row in np.flatnonzero(slots == NO_ROOM).tolist():
            if self._past(keys[row].tobytes(), float(at[row % len(at)])) < 0:
                bits[row] = FULL
        return bits, slots

    def count(self, key: bytes, caps: int, at: float, decision_id: bytes, found: int | None = None) -> bool:
        """Count a send; one that is counted already is not counted twice.

        Args:
            key: The shopper, 16 bytes.
            caps: Bit i where it counts for cap i.
            at: When it was decided, in seconds since 1970.
            decision_id: 16 bytes.
            found: What `look` said of the shopper in the same stretch under `lock`, which saves looking again.

        Returns:
            Whether there was room; if not, nothing was counted.
        """
        slot, free = (-1 if found is None else found), -1
        if NO_ROOM < slot < 0 and found is not None and self._words[-1 - slot] == 0:
            free = -1 - slot
        elif slot < 0 or not self._holds(slot, key):
            slot = self._find(key)
        if slot < 0:
            slot = self._take(key, at, free)
            if slot < 0:
                return False
        base, item = self._items + slot * self._width, self.windows.item(at, decision_id)
        row = self._row.unpack_from(self._buffer, 8 * base)
        for first, end, bit in self._plan:
            if caps & bit:
                span = row[first:end]
                earliest = min(span)
                if earliest < item and item not in span:
                    self._words[base + first + span.index(earliest)] = item
        return True

    def count_rows(
        self, keys: np.ndarray, caps: np.ndarray, at: np.ndarray, ids: np.ndarray, found: np.ndarray | None = None
    ) -> np.ndarray:
        """The same for many shoppers, none of whom may stand twice.

        Args:
            keys: Shape (n, 2), uint64.
            caps: Shape (n,), int64.
            at: Shape (n,).
            ids: Shape (n, 16), uint8.
            found: Shape (n,), what `blocked_rows` said of them in the same stretch under `lock`, which saves looking
                again.

        Returns:
            The row numbers for which there was no room; nothing was counted for those.
        """
        slots = self._find_again(keys, found) if found is not None else self._find_rows(keys)
        if (slots < 0).any():
            self.rows.insert(keys, slots, *self._bucket_rows(keys))
        self.rows.add(
            np.maximum(slots, 0), np.where(slots >= 0, caps, 0), self.windows.items(at, ids), self.windows.spans
        )
        # Only now, as a row that is about to be added to must not look as if all its sends were past.
        left = np.flatnonzero(slots < 0).tolist()
        counted = [self.count(keys[i].tobytes(), int(caps[i]), float(at[i]), ids[i].tobytes()) for i in left]
        return np.array([i for i, done in zip(left, counted, strict=True) if not done], dtype=np.int64)

    def give_back(self, key: bytes, decision_id: bytes, at: float | None = None) -> int:
        """Take a send out again, as it did not go out; without effect where it is not counted.

        Args:
            key: The shopper, 16 bytes.
            decision_id: 16 bytes.
            at: When it was decided, where that is known: then no other send can be mistaken for it. Else one in
                2²⁴ could be.

        Returns:
            Bit i where cap i had it.
        """
        slot = self._find(key)
        if slot < 0:
            return 0
        base = self._items + slot * self._width
        row = self._row.unpack_from(self._buffer, 8 * base)
        exact, bits, caps = None if at is None else self.windows.item(at, decision_id), id_bits(decision_id), 0
        for first, end, bit in self._plan:
            for i in range(first, end):
                if row[i] and (row[i] == exact if exact is not None else is_item_of(row[i], bits)):
                    self._words[base + i] = 0
                    caps |= bit
        return caps

    def forget(self, key: bytes) -> bool:
        """Drop all that is known of a shopper; whether there was anything. Call it under `lock`."""
        slot = self._find(key)
        if slot < 0:
            return False
        self._words[slot] = 0
        self._row.pack_into(self._buffer, 8 * (self._items + slot * self._width), *[0] * self._width)
        self._words[self._high + slot] = 0
        return True

    def row(self, key: bytes) -> tuple[int, ...] | None:
        """A shopper's items; None where nothing is known."""
        slot = self._find(key)
        return self._row.unpack_from(self._buffer, 8 * (self._items + slot * self._width)) if slot >= 0 else None

    def copies(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Keys, shape (n, 2), and items, shape (n, width), of all shoppers that have an item, part by part.

        Takes the lock for each part, so that deciding goes on in between. Where a shopper made room for another and
        came back meanwhile, two parts may tell of the same one: the first counts.
        """
        for begin in range(0, self._buckets, _PART):
            with self.lock:
                part = self.rows.taken(begin, begin + _PART)
            yield part

    def restore(self, keys: np.ndarray, items: np.ndarray) -> int:
        """Fill an empty table with what `copies` gave, part by part or all at once. Call it under `lock`.

        Args:
            keys: Shape (n, 2), uint64.
            items: Shape (n, width), int64.

        Returns:
            How many shoppers had no room, and are forgotten.
        """
        return sum(self._restore(keys[i : i + _ROWS], items[i : i + _ROWS]) for i in range(0, len(keys), _ROWS))

    def close(self) -> None:
        """Let the memory go in this process."""
        del self.rows
        self._words.release()
        self.memory.close()

    def _restore(self, keys: np.ndarray, items: np.ndarray) -> int:
        """Leaves a shopper who is known as he is: the first telling counts."""
        order = np.lexsort((keys[:, 1], keys[:, 0]))
        again = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
        single = np.ones(len(keys), dtype=bool)
        single[order[1:][again]] = False
        keys, items = keys[single], items[single]
        slots = self._find_rows(keys)
        fresh = np.flatnonzero(slots < 0)
        self.rows.insert(keys, slots, *self._bucket_rows(keys))
        placed = fresh[slots[fresh] >= 0]
        self.rows.items[slots[placed]] = items[placed]
        return len(fresh) - len(placed)

    def _find(self, key: bytes) -> int:
        """The shopper's slot; -1 if there is none."""
        low, number = key[:8], _number(key, 8, 16)
        if low == _EMPTY:
            low = _ONE
        slot = self._in_bucket(low, number, ((number & _LOW_32) * self._buckets >> 32) * _LINE)
        return slot if slot >= 0 else self._in_bucket(low, number, ((number >> 32) * self._buckets >> 32) * _LINE)

    def _in_bucket(self, low: bytes, number: int, start: int) -> int:
        place = self._buffer.find(low, start, start + _LINE)
        while place >= 0:
            if not place & 7 and self._words[self._high + (place >> 3)] == number:
                return place >> 3
            place = self._buffer.find(low, place + 1, start + _LINE)
        return -1

    def _holds(self, slot: int, key: bytes) -> bool:
        """Whether a slot is the shopper's."""
        return self._words[slot] == (_number(key, 0, 8) or 1) and self._words[self._high + slot] == _number(key, 8, 16)

    def _find_rows(self, keys: np.ndarray) -> np.ndarray:
        """See `FrequencyRows.find`."""
        return self.rows.find(keys, *self._bucket_rows(keys))

    def _find_again(self, keys: np.ndarray, found: np.ndarray) -> np.ndarray:
        """Slots of shoppers that were looked up a moment ago."""
        slots = found.copy()
        known = np.flatnonzero(slots >= 0)
        other = known[~self.rows.holds(slots[known], keys[known])]
        if len(other):
            slots[other] = self._find_rows(keys[other])
        return slots

    def _bucket_rows(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        high, buckets = keys[:, 1], np.uint64(self._buckets)
        first = (high & np.uint64(_LOW_32)) * buckets >> np.uint64(32)
        return first.astype(np.int64), ((high >> np.uint64(32)) * buckets >> np.uint64(32)).astype(np.int64)

    def _starts(self, number: int) -> tuple[int, int]:
        buckets = self._buckets
        return ((number & _LOW_32) * buckets >> 32) * _LINE, ((number >> 32) * buckets >> 32) * _LINE

    def _free(self, key: bytes) -> int:
        """An empty slot in the emptier of a shopper's buckets; -1 if both are full."""
        best, most = -1, 0
        for start in self._starts(_number(key, 8, 16)):
            lows = self._words[start >> 3 : (start + _LINE) >> 3].tolist()
            empty = lows.count(0)
            if empty > most:
                best, most = (start >> 3) + lows.index(0), empty
        return best

    def _past(self, key: bytes, at: float) -> int:
        """A slot of a shopper's buckets whose sends are all past; -1 if there is none."""
        for start in self._starts(_number(key, 8, 16)):
            for slot in range(start >> 3, (start + _LINE) >> 3):
                row = self._row.unpack_from(self._buffer, 8 * (self._items + slot * self._width))
                if self.windows.is_past(row, at):
                    return slot
        return -1

    def _take(self, key: bytes, at: float, free: int) -> int:
        """Make an empty row for a new shopper, at `free` if that is known to be empty; -1 if there is no room."""
        slot = free if free >= 0 else self._free(key)
        if slot < 0:
            slot = self._past(key, at)
            if slot < 0:
                return -1
            self._words[slot] = 0
        self._row.pack_into(self._buffer, 8 * (self._items + slot * self._width), *[0] * self._width)
        self._words[self._high + slot] = _number(key, 8, 16)
        self._words[slot] = _number(key, 0, 8) or 1
        return slot


def buckets_for(users: int) -> int:
    """Buckets of eight, on average 4.5 of them taken when there are as many shoppers as fit."""
    return max(2, -(-2 * users // 9))


def table_size(caps: Sequence[FrequencyCap], users: int) -> int:
    """Bytes of a table's memory."""
    return buckets_for(users) * _BUCKET * 8 * (2 + sum(cap.most for cap in caps))


def _number(key: bytes, begin: int, end: int) -> int:
    return int.from_bytes(key[begin:end], "little")
