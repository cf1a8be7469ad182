"""One record, read by its place."""

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


def record_at(folder: Path, position: Position, length: int, arms: ArmsOf = no_catalogues) -> Record:
    """Read one record.

    Args:
        folder: The journal's folder.
        position: Its end.
        length: Of its frame, in bytes.
        arms: Looks catalogues up.

    Raises:
        CorruptState: If there is no such record.
    """
    path = Chain(folder, position.chain).segment_path(position.segment)
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        raise CorruptState(f"{path}: expected this segment, found none; restore it from a copy") from None
    try:
        found = None
        for found in frames(fd, position.offset - length, position.offset):  # noqa: B007 - the last one is wanted
            pass
    finally:
        os.close(fd)
    if found is None or found.end != position.offset:
        raise CorruptState(f"{path}: expected a record that ends at {position.offset}; restore the file from a copy")
    return decode(found.payload, arms).record
