"""How records lie in a segment file: a header, then frames back to back.

::

    segment header, 16 bytes:  "ARMSJRNL" | u8 version | 7 zero bytes
    frame header, 16 bytes:    F1 "AR" | u8 version | u32 length | u32 durable | u32 crc32
    payload, `length` bytes

The checksum covers the frame header before it and the payload. `durable` is how many bytes of this segment were already
on disk when the frame was written: a whole frame *behind* a flaw, with `durable` beyond the flaw, proves that
acknowledged records were damaged; without such a proof the flaw is the torn tail of a write that nobody was promised.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.core.errors import CorruptState, UnsupportedVersion

SEGMENT_VERSION = 1
FRAME_VERSION = 1
HEADER_BYTES = 16
MAX_RECORD_BYTES = 16 << 20
"""A longer record is refused when written, so that a damaged length is known for one."""

_SEGMENT = struct.Struct("<8sB7x")
_SEGMENT_MAGIC = b"ARMSJRNL"
_FRAME = struct.Struct("<3sBIII")
FRAME_BYTES = _FRAME.size
_SUMMED = struct.Struct("<3sBII")
_FRAME_MAGIC = b"\xf1AR"
_CHUNK = 1 << 20


class Frame(NamedTuple):
    """A whole frame; `end` is the offset behind it."""

    end: int
    durable: int
    payload: bytes


def segment_header() -> bytes:
    """The first bytes of a segment."""
    return _SEGMENT.pack(_SEGMENT_MAGIC, SEGMENT_VERSION)


def frame(payload: bytes, durable: int) -> bytes:
    """Wrap a payload of at most `MAX_RECORD_BYTES`."""
    summed = _SUMMED.pack(_FRAME_MAGIC, FRAME_VERSION, len(payload), durable)
    return b"".join((summed, zlib.crc32(payload, zlib.crc32(summed)).to_bytes(4, "little"), payload))


def frame_rows(rows: np.ndarray, durable: int) -> memoryview:
    """Wrap payloads of one length, back to back, where they lie.

    Args:
        rows: Shape (n, `FRAME_BYTES` + length), uint8, in one piece; the payloads, with room in front of each.
        durable: See above.

    Returns:
        The frames, of the same memory.
    """
    n, size = rows.shape
    summed = _SUMMED.pack(_FRAME_MAGIC, FRAME_VERSION, size - _FRAME.size, durable)
    begun, crc32 = zlib.crc32(summed), zlib.crc32
    framed = rows.data.cast("B")
    sums = [crc32(framed[start : start + size - _FRAME.size], begun) for start in range(_FRAME.size, n * size, size)]
    rows[:, : _SUMMED.size] = np.frombuffer(summed, dtype=np.uint8)
    rows[:, _SUMMED.size : _FRAME.size] = np.array(sums, dtype="<u4").view(np.uint8).reshape(n, 4)
    return framed


def framed_bytes(payload: bytes) -> int:
    """How many bytes `frame` makes of a payload."""
    return _FRAME.size + len(payload)


def check_header(fd: int, path: Path) -> bool:
    """Whether the segment has its header; False if the file ends within it, as after a crash while it was made.

    Raises:
        UnsupportedVersion: If a newer armsreach wrote the segment.
        CorruptState: If the file is no segment.
    """
    head = os.pread(fd, HEADER_BYTES, 0)
    if len(head) < HEADER_BYTES:
        return False
    if head == segment_header():
        return True
    magic, version = _SEGMENT.unpack(head)
    if magic == _SEGMENT_MAGIC and version > SEGMENT_VERSION:
        raise UnsupportedVersion(
            f"{path}: segment version {version}, and this armsreach reads up to {SEGMENT_VERSION}; upgrade armsreach"
        )
    if not any(head) and os.fstat(fd).st_size == HEADER_BYTES:
        return False
    raise CorruptState(f"{path}: offset 0: expected a journal segment, got a foreign file; restore it from a copy")


def frames(fd: int, start: int, limit: int) -> Iterator[Frame]:
    """Whole frames from `start`, up to the first that is not whole or reaches beyond `limit`."""
    window = _Window(fd, limit)
    found = window.frame(start)
    while found is not None:
        yield found
        found = window.frame(found.end)


def is_damaged(fd: int, flaw: int, limit: int) -> bool:
    """Whether the flaw at offset `flaw` lies in bytes that were durable: then it is damage, else a torn tail."""
    window = _Window(fd, limit)
    return any(
        candidate is not None and candidate.durable > flaw
        for candidate in map(window.frame, window.occurrences(_FRAME_MAGIC, flaw))
    )


class _Window:
    """Reads a file in chunks, each byte once as long as offsets grow."""

    def __init__(self, fd: int, limit: int) -> None:
        self._fd = fd
        self._limit = limit
        self._base = 0
        self._data = b""

    def take(self, offset: int, size: int) -> bytes | None:
        """The bytes, or None if they reach beyond the limit."""
        if offset + size > self._limit:
            return None
        at = offset - self._base
        if at < 0 or at + size > len(self._data):
            wanted = min(max(size, _CHUNK), self._limit - offset)
            self._data, self._base, at = os.pread(self._fd, wanted, offset), offset, 0
        found = self._data[at : at + size]
        return found if len(found) == size else None

    def frame(self, offset: int) -> Frame | None:
        head = self.take(offset, _FRAME.size)
        if head is None:
            return None
        magic, version, length, durable, crc = _FRAME.unpack(head)
        if magic != _FRAME_MAGIC or length > MAX_RECORD_BYTES:
            return None
        payload = self.take(offset + _FRAME.size, length)
        if payload is None or zlib.crc32(payload, zlib.crc32(head[: _SUMMED.size])) != crc:
            return None
        if version > FRAME_VERSION:
            raise UnsupportedVersion(
                f"frame version {version} at offset {offset}, and this armsreach reads up to {FRAME_VERSION};"
                " upgrade armsreach"
            )
        return Frame(offset + _FRAME.size + length, durable, payload)

    def occurrences(self, needle: bytes, start: int) -> Iterator[int]:
        for offset in range(start, self._limit, _CHUNK):
            data = os.pread(self._fd, _CHUNK + len(needle) - 1, offset)
            at = data.find(needle)
            while at >= 0:
                yield offset + at
                at = data.find(needle, at + 1)
