"""Records, read by their place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.core.errors import CorruptState
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.batch_index import BatchIndex
from engine.journal.chain import Chain
from engine.journal.entry import Record
from engine.journal.position import Position
from engine.journal.record import ID_OFFSET, decode
from engine.journal.segment import FRAME_BYTES, frames


def row_at(
    folder: Path,
    position: Position,
    length: int,
    id: bytes,
    arms: ArmsOf = no_catalogues,
    index: BatchIndex | None = None,
) -> tuple[Position, int, Record] | None:
    """Find one decision of a batch by its id, without reading the others.

    Args:
        folder: The journal's folder.
        position: The end of the batch.
        length: Of the batch, in bytes.
        id: The decision's, 16 bytes.
        arms: Looks catalogues up.
        index: Of the batch, see `batch_index`; without it, the whole batch is searched.

    Returns:
        Where it ends, the length of its frame, and the record; None if it is not there.

    Raises:
        CorruptState: If the segment is not there, or the record cannot be read.
    """
    fd = _opened(Chain(folder, position.chain), position.segment)
    try:
        begin = position.offset - length
        for at in _searched(os.pread(fd, length, begin), id) if index is None else index.starts(id):
            found = next(frames(fd, begin + at, position.offset), None)
            if found is not None and found.payload[ID_OFFSET : ID_OFFSET + len(id)] == id:
                end = Position(position.chain, position.segment, found.end)
                return end, found.end - begin - at, decode(found.payload, arms).record
        return None
    finally:
        os.close(fd)


def batch_index(folder: Path, position: Position, length: int) -> BatchIndex:
    """Note where the decisions of a batch lie, for `row_at`.

    Args:
        folder: The journal's folder.
        position: The end of the batch.
        length: Of the batch, in bytes.

    Raises:
        CorruptState: If the segment is not there.
    """
    fd = _opened(Chain(folder, position.chain), position.segment)
    try:
        return BatchIndex(os.pread(fd, length, position.offset - length))
    finally:
        os.close(fd)


def records_at(folder: Path, position: Position, length: int, arms: ArmsOf = no_catalogues) -> list[Record]:
    """Read the records of some bytes of a segment.

    Args:
        folder: The journal's folder.
        position: The end of the last.
        length: From the start of the first one's frame, in bytes.
        arms: Looks catalogues up.

    Raises:
        CorruptState: If they are not there.
    """
    chain = Chain(folder, position.chain)
    fd = _opened(chain, position.segment)
    try:
        found = list(frames(fd, position.offset - length, position.offset))
    finally:
        os.close(fd)
    if not found or found[-1].end != position.offset:
        path = chain.segment_path(position.segment)
        raise CorruptState(f"{path}: expected a record that ends at {position.offset}; restore the file from a copy")
    return [decode(one.payload, arms).record for one in found]


def _searched(data: bytes, id: bytes) -> Iterator[int]:
    """Where frames with an id may begin; the same bytes may stand elsewhere, as in an embedding."""
    before = FRAME_BYTES + ID_OFFSET
    at = data.find(id, before)
    while at >= 0:
        yield at - before
        at = data.find(id, at + 1)


def _opened(chain: Chain, segment: int) -> int:
    path = chain.segment_path(segment)
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise CorruptState(f"{path}: expected this segment, found none; restore it from a copy") from None
