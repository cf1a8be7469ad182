"""The journal in memory, for simulations and tests: nothing outlives the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from engine.core.decision_block import DecisionBlock
from engine.core.errors import CorruptState
from engine.journal.batch_head import UNNAMED, BatchHead
from engine.journal.entry import Entry, Record
from engine.journal.instant import from_micros, to_micros
from engine.journal.journal_failed import JournalFailed
from engine.journal.mark import Mark
from engine.journal.position import Position
from engine.journal.positions import Positions


class MemoryJournal:
    """One chain as a list. An offset is a number of records."""

    def __init__(self, chain: str = "memory") -> None:
        self._chain = chain
        self._entries: list[Entry] = []
        self._committed = 0
        self._read = 0
        self._closed = False

    @property
    def position(self) -> Position:
        """The end of what is acknowledged."""
        return Position(self._chain, 1, self._committed)

    @property
    def end(self) -> Position:
        """The end of what was appended, acknowledged or not."""
        return Position(self._chain, 1, len(self._entries))

    @property
    def recorded_at(self) -> datetime | None:
        """When the last record was recorded."""
        return self._entries[-1].recorded_at if self._entries else None

    def append(self, record: Record, at: datetime) -> Position:
        """Buffer a record.

        Raises:
            InvalidInput: If `at` is naive.
            JournalFailed: If the journal is closed.
        """
        return self.append_many((record,), at)[0]

    def append_many(self, records: Sequence[Record], at: datetime) -> list[Position]:
        """Buffer records side by side.

        Raises:
            InvalidInput: If `at` is naive.
            JournalFailed: If the journal is closed.
        """
        if self._closed:
            raise JournalFailed("expected an open journal, but it was closed; make a new one")
        recorded_at = from_micros(to_micros(at))
        last = self.recorded_at
        if last is not None:
            recorded_at = max(recorded_at, last)
        before = len(self._entries)
        self._entries += (Entry(recorded_at, record) for record in records)
        return [Position(self._chain, 1, offset) for offset in range(before + 1, len(self._entries) + 1)]

    def append_block(self, block: DecisionBlock, at: datetime, batch: bytes = b"") -> tuple[Position, Position]:
        """Buffer decisions whose contexts are columns."""
        self.append(BatchHead(batch or UNNAMED, len(block)), at)
        before = self.end
        self.append_many(block, at)
        return before, self.end

    def commit(self) -> None:
        """Let readers see everything appended so far."""
        self._committed = len(self._entries)

    def reopen(self) -> None:
        """Nothing ever fails here."""

    def close(self, at: datetime | None = None) -> None:
        """Commit, record that the chain is closed, and take no more; a second time does nothing."""
        if self._closed:
            return
        last = at or self.recorded_at
        if last is not None:
            self.append(Mark(closed=True), last)
        self.commit()
        self._closed = True

    def read(self, after: Positions | None = None) -> Iterator[tuple[Position, Entry]]:
        """Committed records behind `after`, up to what was there when the call was made.

        Raises:
            CorruptState: If `after` is of another journal.
        """
        for offset in range(self._offset(after) if after is not None else 0, self._committed):
            self._read = offset + 1
            yield Position(self._chain, 1, offset + 1), self._entries[offset]

    def watermark(self, read: Positions | None = None) -> datetime | None:
        """The last time read; None while nothing was."""
        count = self._read if read is None else self._offset(read)
        return self._entries[count - 1].recorded_at if count else None

    def _offset(self, positions: Positions) -> int:
        offset = positions[self._chain].offset if self._chain in positions else 0
        if offset > len(self._entries):
            raise CorruptState(
                f"expected at most {len(self._entries)} records, got position {offset} of another journal"
            )
        return offset
