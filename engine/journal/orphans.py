"""What becomes of chains whose writer is gone for good."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from engine.core.errors import FailedPrecondition
from engine.journal.chain import chains
from engine.journal.chain_reader import ChainReader
from engine.journal.instant import from_micros
from engine.journal.reader import JournalReader
from engine.journal.writer import SegmentWriter


def close_orphans(folder: Path, at: datetime, keep: Collection[str] = ()) -> list[str]:
    """Close every open chain that no process writes, so that it holds the watermark back no longer.

    A worker that was killed and will not come back, as after lowering the number of workers, leaves such a chain.

    Args:
        folder: The journal's folder.
        at: The present.
        keep: Chains whose writers are about to start.

    Returns:
        Names of the chains that were closed.

    Raises:
        CorruptState: If such a chain is damaged before its tail.
        JournalFailed: If the disk is full or failing.
    """
    reader = JournalReader(folder)
    closed = []
    for chain in chains(folder):
        if chain.name in keep or not chain.segments() or reader.is_closed(chain.name):
            continue
        try:
            writer = SegmentWriter(folder, chain.name)
        except FailedPrecondition:
            continue  # its writer is alive
        writer.close(at if writer.recorded_at is not None else None)
        closed.append(chain.name)
    return closed


def begin_anew(folder: Path, before: datetime) -> list[str]:
    """Give closed chains that nobody writes a new last segment, so that their old one is not the last any more.

    Retention never removes a chain's last segment, as its writer goes on from there; a writer that does not come back
    would leave its last records for ever. The new segment has nothing in it but the closing mark, of the same time.

    Args:
        folder: The journal's folder.
        before: The chain's last record must be older; aware.

    Returns:
        Names of the chains.

    Raises:
        CorruptState: If such a chain is damaged.
        JournalFailed: If the disk is full or failing.
    """
    begun = []
    for chain in chains(folder):
        reader = ChainReader(chain)
        last = reader.last_of_all()
        if last is None or not last[1] or from_micros(last[0]) >= before or reader.last_is_alone():
            continue
        try:
            writer = SegmentWriter(folder, chain.name)
        except FailedPrecondition:
            continue  # its writer is alive
        writer.close()
        begun.append(chain.name)
    return begun
