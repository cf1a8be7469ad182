"""Removes segments whose time is over."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from engine.journal.chain import chains
from engine.journal.chain_reader import ChainReader
from engine.journal.instant import to_micros
from engine.journal.position import Position
from engine.journal.positions import Positions
from engine.journal.trimmed import note_trimmed
from engine.journal.upkeep import upkeep


def remove_before(folder: Path, before: datetime, held: Sequence[Positions] = ()) -> list[Position]:
    """Remove whole segments that end before a time, from the beginning of each chain on, its last one never.

    Args:
        folder: The journal's folder.
        before: The last record of a segment must be older; aware.
        held: How far those have read who will read on: what lies behind one of these places stays. One that has not
            read a chain at all holds all of it.

    Returns:
        Where each removed segment ended.

    Raises:
        CorruptState: If segments are missing or damaged.
        OSError: If the folder cannot be changed.
    """
    removed = []
    with upkeep(folder):
        for chain in chains(folder):
            reader = ChainReader(chain)
            for segment in chain.segments()[:-1]:
                last = reader.last_of(segment)
                if (last is not None and last[0] >= to_micros(before)) or _is_held(chain.name, segment, held):
                    break
                path = chain.segment_path(segment)
                end = path.stat().st_size
                note_trimmed(chain, segment)
                os.unlink(path)
                chain.torn_path(segment).unlink(missing_ok=True)
                removed.append(Position(chain.name, segment, end))
    return removed


def _is_held(chain: str, segment: int, held: Sequence[Positions]) -> bool:
    return any(positions.get(chain, Position(chain, 0, 0)).segment <= segment for positions in held)
