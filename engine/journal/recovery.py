"""Bring a chain that was not closed back to its last whole record."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import CorruptState
from engine.journal.chain import Chain, sync_folder
from engine.journal.record import batch_length, recorded_micros
from engine.journal.segment import HEADER_BYTES, Frame, check_header, frames, is_damaged, segment_header


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening a chain found.

    Attributes:
        last_segment: Number of the last segment; 0 for a new chain.
        recorded_micros: When the last record was written, in µs; None if there is none.
        torn_bytes: Bytes cut from the tail; they stand beside the segment in a `.torn` file. None of them was part of
            a record whose writer was told that it is safe.
    """

    last_segment: int = 0
    recorded_micros: int | None = None
    torn_bytes: int = 0


def recover(chain: Chain) -> Recovery:
    """Check the last segment, cut a torn tail, and find the chain's last time. The caller holds the chain's lock.

    Older segments were made durable before their successor was begun; readers check them as they read.

    Raises:
        CorruptState: If a flaw lies before durable records: file and offset are named, and nothing is changed.
        UnsupportedVersion: If a newer armsreach wrote the segment.
    """
    segments = chain.segments()
    if not segments:
        return Recovery()
    torn, last = _cut_tail(chain, segments[-1])
    for segment in reversed(segments[:-1]):
        if last is not None:
            break
        last = _last_frame(chain.segment_path(segment))
    micros = None if last is None else recorded_micros(last.payload)[0]
    return Recovery(segments[-1], micros, torn)


def _cut_tail(chain: Chain, segment: int) -> tuple[int, Frame | None]:
    path = chain.segment_path(segment)
    fd = os.open(path, os.O_RDWR)
    try:
        size = os.fstat(fd).st_size
        if not check_header(fd, path):
            _replace_header(fd)
            return 0, None
        last, end = None, HEADER_BYTES
        whole: tuple[Frame | None, int] = (None, 0)  # what stands before a batch, and where that should end
        for found in frames(fd, HEADER_BYTES, size):
            length = batch_length(found.payload)
            if length and end >= whole[1]:
                whole = (last, found.end + length)
            last, end = found, found.end
        if end < size and is_damaged(fd, end, size):
            raise damage(path, end)
        if end < whole[1]:  # a kill cut the last batch short: nobody was told of any of it
            last = whole[0]
            end = HEADER_BYTES if last is None else last.end
        if end < size:
            _keep_torn(chain.torn_path(segment), os.pread(fd, size - end, end))
            os.ftruncate(fd, end)
        os.fsync(fd)  # whole records of a writer that was killed before its own sync are kept, so they become durable
        return size - end, last
    finally:
        os.close(fd)


def damage(path: Path, offset: int) -> CorruptState:
    """The error for a flaw before durable records."""
    return CorruptState(
        f"{path}: offset {offset}: the record here fails its checksum, though durable records follow;"
        " the disk or a program damaged it: restore the file from a copy"
    )


def _replace_header(fd: int) -> None:
    os.ftruncate(fd, 0)
    os.pwrite(fd, segment_header(), 0)
    os.fsync(fd)


def _keep_torn(path: Path, data: bytes) -> None:
    """Keep what is cut, durably before it is cut, so that a crash in between only repeats the cut."""
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _last_frame(path: Path) -> Frame | None:
    fd = os.open(path, os.O_RDONLY)
    try:
        last = None
        for last in frames(fd, HEADER_BYTES, os.fstat(fd).st_size):  # noqa: B007 - the last one is wanted
            pass
        return last
    finally:
        os.close(fd)
