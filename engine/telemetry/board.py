"""Where each worker leaves its counters, so that any of them can show the sum."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from engine.store.tables.shared_memory import SharedMemory
from engine.telemetry.series import Series

_HEAD = struct.Struct("<IIdd")
SLOT_BYTES = 1 << 20
_TRIES = 5


class Note(NamedTuple):
    """What one worker left.

    Attributes:
        worker: Its number.
        at: When, in seconds since 1970.
        committed_at: When its journal last became durable, in seconds since 1970; 0 before the first time.
        series: Its counters.
    """

    worker: int
    at: float
    committed_at: float
    series: Series


class Board:
    """One slot of shared memory a worker. Make it before workers are forked; each writes its own slot only.

    A slot outlives its worker, and the worker that comes in its place goes on from it: counters do not fall back, but
    for what the last second before a kill had counted. A slot that is being written while it is read fails its
    checksum and is read again.
    """

    def __init__(self, workers: int = 1, slot_bytes: int = SLOT_BYTES) -> None:
        """Reserve the memory; pages are taken up as they are written."""
        self.workers = workers
        self._slot_bytes = slot_bytes
        self._memory = SharedMemory("armsreach-telemetry", workers * slot_bytes)

    def write(self, note: Note) -> bool:
        """Leave counters; False where they do not fit, and what was there stays."""
        data = note.series.to_bytes()
        if _HEAD.size + len(data) > self._slot_bytes:
            return False
        start = note.worker * self._slot_bytes
        head = _HEAD.pack(len(data), zlib.crc32(data), note.at, note.committed_at)
        self._memory.buffer[start : start + _HEAD.size + len(data)] = head + data
        return True

    def read(self, worker: int) -> Note | None:
        """What a worker left last; None before that, or where it is not legible."""
        start = worker * self._slot_bytes
        for _ in range(_TRIES):
            size, checksum, at, committed_at = _HEAD.unpack_from(self._memory.buffer, start)
            if not size or _HEAD.size + size > self._slot_bytes:
                continue
            data = self._memory.buffer[start + _HEAD.size : start + _HEAD.size + size]
            if zlib.crc32(data) == checksum:
                return Note(worker, at, committed_at, Series.from_bytes(data))
        return None

    def notes(self) -> list[Note]:
        """What all workers left."""
        return [note for worker in range(self.workers) if (note := self.read(worker)) is not None]

    def close(self) -> None:
        """Let it go in this process."""
        self._memory.close()
