"""Records, read by their place."""

from __future__ import annotations

import os
from pathlib import Path

from engine.core.errors import CorruptState
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.chain import Chain
from engine.journal.entry import Record
from engine.journal.position import Position
from engine.journal.record import decode
from engine.journal.segment import frames


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
    path = Chain(folder, position.chain).segment_path(position.segment)
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise CorruptState(f"{path}: expected this segment, found none; restore it from a copy") from None
    try:
        found = list(frames(fd, position.offset - length, position.offset))
    finally:
        os.close(fd)
    if not found or found[-1].end != position.offset:
        raise CorruptState(f"{path}: expected a record that ends at {position.offset}; restore the file from a copy")
    return [decode(one.payload, arms).record for one in found]
