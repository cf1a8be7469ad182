"""How long the frames are that end at given places."""

from __future__ import annotations

from collections.abc import Sequence

from engine.journal.position import Position
from engine.journal.segment import HEADER_BYTES


def framed_lengths(before: Position, positions: Sequence[Position]) -> list[int]:
    """Lengths, in bytes, of frames that were written back to back.

    Args:
        before: The end of what was written before the first of them.
        positions: Their ends, in order.

    Examples:
        >>> framed_lengths(Position("w", 1, 100), [Position("w", 1, 130), Position("w", 2, 66)])
        [30, 50]
    """
    lengths = []
    for position in positions:
        start = before.offset if before.segment == position.segment else HEADER_BYTES
        lengths.append(position.offset - start)
        before = position
    return lengths
