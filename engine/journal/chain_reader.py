"""Reads one chain."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.core.errors import CorruptState
from engine.journal.chain import Chain
from engine.journal.position import Position
from engine.journal.record import batch_length, recorded_micros
from engine.journal.recovery import damage
from engine.journal.segment import HEADER_BYTES, check_header, frames, is_damaged
from engine.journal.trimmed import trimmed_through


class ChainReader:
    """Gives a chain's whole records in order, while its writer may be at work."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    def payloads(self, after: Position | None) -> Iterator[tuple[Position, bytes]]:
        """Records behind `after`, up to what was there when the call was made.

        Where retention removed what lay behind `after`, reading goes on with the first segment that is left.

        Raises:
            CorruptState: At a flaw before durable records, or if segments are missing.
            UnsupportedVersion: If a newer armsreach wrote a segment.
        """
        segments = self._chain.segments()
        if not segments:
            if after is not None and after.segment > 0:
                raise CorruptState(
                    f"{self._chain.path}: expected segment {after.segment}, found none; restore the chain"
                )
            return
        limit = self._chain.segment_path(segments[-1]).stat().st_size
        if after is not None and after.segment < segments[0] and after.segment <= trimmed_through(self._chain):
            after = None
        if after is not None and not segments[0] <= after.segment <= segments[-1]:
            raise CorruptState(
                f"{self._chain.path}: expected segment {after.segment}, found {segments[0]} to {segments[-1]};"
                " restore the chain, or read it from its beginning"
            )
        for segment in segments if after is None else range(after.segment, segments[-1] + 1):
            start = after.offset if after is not None and after.segment == segment else HEADER_BYTES
            yield from self._segment(segment, start, limit if segment == segments[-1] else None)

    def last(self, at: Position | None) -> tuple[int, bool] | None:
        """When the last record at or before a position was recorded (µs), and whether it closed the chain.

        None if there is no such record.
        """
        if at is None:
            return None
        for segment in range(at.segment, 0, -1):
            path = self._chain.segment_path(segment)
            if not path.exists():
                return None
            last = self._last(path, at.offset if segment == at.segment else None)
            if last is not None:
                return last
        return None

    def start_before(self, micros: int) -> Position | None:
        """The start of the last segment whose first record is before `micros`; None to begin with the first segment."""
        for segment in reversed(self._chain.segments()[1:]):
            fd = os.open(self._chain.segment_path(segment), os.O_RDONLY)
            try:
                first = next(frames(fd, HEADER_BYTES, os.fstat(fd).st_size), None)
            finally:
                os.close(fd)
            if first is not None and recorded_micros(first.payload)[0] < micros:
                return Position(self._chain.name, segment, HEADER_BYTES)
        return None

    def last_of_all(self) -> tuple[int, bool] | None:
        """The same, at the chain's end."""
        segments = self._chain.segments()
        return self.last(Position(self._chain.name, segments[-1], 1 << 62)) if segments else None

    def last_of(self, segment: int) -> tuple[int, bool] | None:
        """The same, in one segment alone."""
        return self._last(self._chain.segment_path(segment), None)

    def last_is_alone(self) -> bool:
        """Whether the chain's last segment has one record at most."""
        segments = self._chain.segments()
        if not segments:
            return True
        records = self.payloads(Position(self._chain.name, segments[-1], HEADER_BYTES))
        return next(records, None) is None or next(records, None) is None

    def is_empty(self) -> bool:
        """Whether no record was ever written whole."""
        return next(self.payloads(None), None) is None

    def _segment(self, segment: int, start: int, limit: int | None) -> Iterator[tuple[Position, bytes]]:
        """One segment; `limit` is given for the last, which may have a live or torn tail."""
        path = self._chain.segment_path(segment)
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            if segment <= trimmed_through(self._chain):
                return  # its time was over while the one before it was being read
            raise
        try:
            size = os.fstat(fd).st_size if limit is None else limit
            if not check_header(fd, path):
                if limit is not None:
                    return
                raise damage(path, 0)
            # What was read before an unacknowledged write was taken back lies behind the end: nothing is left here.
            end = start
            for found in frames(fd, start, size):
                if limit is not None and found.end + batch_length(found.payload) > size:
                    return  # a batch that is still being written
                end = found.end
                yield Position(self._chain.name, segment, end), found.payload
            if end < size and (limit is None or is_damaged(fd, end, size)):
                raise damage(path, end)
        finally:
            os.close(fd)

    def _last(self, path: Path, limit: int | None) -> tuple[int, bool] | None:
        fd = os.open(path, os.O_RDONLY)
        try:
            size = os.fstat(fd).st_size
            last = None
            for last in frames(fd, HEADER_BYTES, size if limit is None else min(limit, size)):  # noqa: B007
                pass
            return None if last is None else recorded_micros(last.payload)
        finally:
            os.close(fd)
