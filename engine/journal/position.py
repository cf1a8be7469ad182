"""A place in one chain."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The end of a record: it and everything before it in its chain lie behind this place.

    Positions of one chain compare in the order of writing; of two chains, the order means nothing.

    Attributes:
        chain: Name of the chain, one per writer.
        segment: Number of the segment, from 1; it grows, with no gap.
        offset: Bytes from the segment's start to the end of the record.
    """

    chain: str
    segment: int
    offset: int
