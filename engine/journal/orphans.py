"""Close the chains that a dead writer left open."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from engine.core.errors import FailedPrecondition
from engine.journal.chain import chains
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
