"""Decision id → where its record lies, for as long as a retry may come."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from engine.core.errors import Overloaded, ResourceExhausted, Unavailable
from engine.store.tables.shared_memory import SharedMemory
from engine.store.tables.table_lock import NullLock, TableLock

_ENTRY = struct.Struct("<16sIIIIHH")
_AT = struct.Struct("<I").unpack_from
_CHAIN = struct.Struct("<H").unpack_from
_SUM = struct.Struct("<I")
_SLOT = _ENTRY.size + _SUM.size
_FIELDS = np.dtype(
    [("id", "S16"), ("at", "<u4"), ("segment", "<u4"), ("end", "<u4"), ("length", "<u4"), ("chain", "<u2"),
     ("state", "<u2"), ("sum", "<u4")]
)  # fmt: skip
_BUCKET = 16
_BUCKET_BYTES = _SLOT * _BUCKET
_LOAD = 2


class State(IntEnum):
    """Of an entry. A slot that was never written is EMPTY, being zero; GIVEN_BACK is durable, and was not sent."""

    EMPTY = 0
    PENDING = 1
    DURABLE = 2
    GIVEN_BACK = 3


class RequestEntry(NamedTuple):
    """One decision that is remembered.

    Attributes:
        id: 16 bytes.
        at: When it was decided, in whole seconds since 1970.
        segment: Of the journal.
        end: Offset behind its record.
        length: Of its frame.
        chain: Number of the worker that decided.
        state: Whether its record is durable yet.
    """

    id: bytes
    at: int
    segment: int
    end: int
    length: int
    chain: int
    state: int


class RequestTable:
    """A bounded hash table of fixed slots, sixteen to a bucket, and two buckets where an entry may lie.

    With one, some bucket of a large table is full long before half of its slots are (1 of 65,536 at 300,000 entries in
    1,048,576 slots), and whose id falls into it would be refused until an entry there is old. Entries leave when they
    are older than a stated time. A full bucket refuses rather than forget a young entry, since forgetting would let a
    retry decide twice. An entry that a killed worker left half written fails its checksum, and counts as none.
    """

    def __init__(self, capacity: int, ttl_s: float, memory: SharedMemory | None = None, shared: bool = False) -> None:
        """Make the table.

        Args:
            capacity: Young entries that fit; there are twice as many slots at least.
            ttl_s: How long an entry is young.
            memory: Where it lies; by default memory of its own.
            shared: Whether other processes use it.
        """
        buckets = 1
        while buckets * _BUCKET < capacity * _LOAD:
            buckets *= 2
        self.memory = memory or SharedMemory("armsreach-requests", buckets * _BUCKET_BYTES)
        self.lock: TableLock | NullLock = TableLock(self.memory.fd) if shared else NullLock()
        self.capacity = capacity
        self._ttl = ttl_s
        self._mask = buckets - 1
        self._buffer = self.memory.buffer

    def get(self, id: bytes) -> RequestEntry | None:
        """The entry, young or old; None if there is none."""
        start = self._find(id)
        return None if start < 0 else _read(self._buffer[start : start + _SLOT], 0)

    def starting(self, half: bytes) -> RequestEntry | None:
        """The entry whose id begins with these 8 bytes; None if there is none."""
        return self.get(half)

    def claim(self, id: bytes, now: float, chain: int) -> int:
        """Take up a decision that is about to be written. Call it under `lock`.

        Args:
            id: The decision's.
            now: Seconds since 1970.
            chain: Number of the worker that decides.

        Returns:
            The slot, for `settle`.

        Raises:
            Unavailable: If a worker took it up before.
            ResourceExhausted: If there is no free slot for it.
        """
        known = self._find(id)
        if known >= 0:
            entry = _read(self._buffer[known : known + _SLOT], 0)
            if entry is not None and entry.at + self._ttl > now:
                raise Unavailable("this request was taken up by another worker; try again")
        slot = known if known >= 0 else self._free(id, now - self._ttl)
        if slot < 0:
            raise ResourceExhausted(
                f"some {self.capacity} decisions are younger than {self._ttl:g} s; retry later or raise"
                " request_ids.capacity"
            )
        self._write(slot, RequestEntry(id, int(now), 0, 0, 0, chain, State.PENDING))
        return slot

    def _free(self, id: bytes, oldest: float) -> int:
        """Where a slot begins that an id may have; -1 if both buckets are full of entries younger than `oldest`."""
        for start in self._buckets(id):
            window = self._buffer[start : start + _BUCKET_BYTES]
            for at in range(0, _BUCKET_BYTES, _SLOT):
                if window.startswith(_NO_ID, at) or _AT(window, at + 16)[0] <= oldest or _read(window, at) is None:
                    return start + at
        return -1

    def settle(self, slot: int, id: bytes, segment: int, end: int, length: int) -> None:
        """Note where a decision's record lies, now that it is durable. Call it under `lock`."""
        buffer = self._buffer
        if buffer[slot : slot + 16] != id:  # it was dropped meanwhile
            return
        at, chain = _AT(buffer, slot + 16)[0], _CHAIN(buffer, slot + 32)[0]
        data = _ENTRY.pack(id, at, segment, end, length, chain, State.DURABLE)
        buffer[slot : slot + _SLOT] = data + _SUM.pack(zlib.crc32(data))

    def restore(self, entry: RequestEntry, now: float) -> None:
        """Take up what a journal tells of; without room for it, it is not remembered. Call it under `lock`."""
        with suppress(Overloaded):
            if self._find(entry.id) < 0:
                self.claim(entry.id, now, entry.chain)
            self._write(self._find(entry.id), entry)

    def drop(self, id: bytes) -> None:
        """Forget an entry, as its record never became durable. Call it under `lock`."""
        start = self._find(id)
        if start >= 0:
            self._buffer[start : start + _SLOT] = bytes(_SLOT)

    def drop_pending(self, chain: int) -> int:
        """Forget what a worker that is gone had not made durable; returns how many. Call it under `lock`."""
        slots = self._slots()
        pending = np.flatnonzero((slots["state"] == State.PENDING) & (slots["chain"] == chain)).tolist()
        for slot in pending:
            self._buffer[slot * _SLOT : (slot + 1) * _SLOT] = bytes(_SLOT)
        return len(pending)

    def young(self, now: float) -> int:
        """How many entries are young; reads all of the table, for metrics."""
        slots = self._slots()
        return int(np.count_nonzero((slots["state"] != State.EMPTY) & (slots["at"] + self._ttl > now)))

    def _slots(self) -> np.ndarray:
        return np.frombuffer(self._buffer, dtype=_FIELDS)

    def used_ratio(self, now: float, slots: int = 1_024) -> float:
        """Share of the slots that young entries take, by the first `slots` of them, as ids are hashes."""
        end = min(len(self._buffer), slots * _SLOT)
        entries = (_read(self._buffer[start : start + _SLOT], 0) for start in range(0, end, _SLOT))
        return sum(entry is not None and entry.at + self._ttl > now for entry in entries) * _SLOT / end

    def _find(self, id: bytes) -> int:
        """Where the entry's slot begins; -1 if there is none."""
        for start in self._buckets(id):
            window = self._buffer[start : start + _BUCKET_BYTES]
            at = window.find(id)
            while at >= 0:
                if at % _SLOT == 0:
                    return start + at
                at = window.find(id, at + 1)
        return -1

    def _buckets(self, id: bytes) -> tuple[int, int]:
        """Where the two buckets of an id begin, by different bits of its first 8 bytes."""
        hashed = int.from_bytes(id[:8], "little")
        return (hashed & self._mask) * _BUCKET_BYTES, (hashed >> 32 & self._mask) * _BUCKET_BYTES

    def _write(self, start: int, entry: RequestEntry) -> None:
        data = _ENTRY.pack(*entry)
        self._buffer[start : start + _SLOT] = data + _SUM.pack(zlib.crc32(data))


_NO_ID = bytes(16)


def _read(window: bytes, at: int) -> RequestEntry | None:
    data = window[at : at + _ENTRY.size]
    entry = RequestEntry(*_ENTRY.unpack(data))
    if entry.state == State.EMPTY or zlib.crc32(data) != _SUM.unpack_from(window, at + _ENTRY.size)[0]:
        return None
    return entry
