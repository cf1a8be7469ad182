"""The journal in local segment files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from engine.core.decision_block import DecisionBlock
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.entry import Entry, Record
from engine.journal.position import Position
from engine.journal.positions import Positions
from engine.journal.reader import JournalReader
from engine.journal.writer import Durability, SegmentWriter


class FileJournal:
    """A `SegmentWriter` and a `JournalReader` over one folder, for a process that does both."""

    def __init__(
        self, folder: Path, chain: str, durability: Durability = "fsync", arms: ArmsOf = no_catalogues
    ) -> None:
        """Open the chain for writing.

        Raises:
            FailedPrecondition: If another writer has the chain.
            CorruptState: If the chain is damaged before its tail.
            JournalFailed: If the disk is full or failing.
        """
        self._writer = SegmentWriter(folder, chain, durability, arms=arms)
        self._reader = JournalReader(folder, arms=arms)

    @property
    def position(self) -> Position:
        """The end of what is acknowledged."""
        return self._writer.position

    @property
    def end(self) -> Position:
        """The end of what was appended, acknowledged or not."""
        return self._writer.end

    @property
    def recorded_at(self) -> datetime | None:
        """When the chain's last record was recorded."""
        return self._writer.recorded_at

    def append(self, record: Record, at: datetime) -> Position:
        """Buffer a record; see `SegmentWriter.append`."""
        return self._writer.append(record, at)

    def append_many(self, records: Sequence[Record], at: datetime) -> list[Position]:
        """Buffer records side by side; see `SegmentWriter.append_many`."""
        return self._writer.append_many(records, at)

    def append_block(self, block: DecisionBlock, at: datetime, batch: bytes = b"") -> tuple[Position, Position]:
        """Buffer decisions whose contexts are columns; see `SegmentWriter.append_block`."""
        return self._writer.append_block(block, at, batch)

    def commit(self) -> None:
        """Make everything appended so far durable; see `SegmentWriter.commit`."""
        self._writer.commit()

    def close(self, at: datetime | None = None) -> None:
        """Commit, record that the chain is closed, and let it go."""
        self._writer.close(at)

    def read(self, after: Positions | None = None) -> Iterator[tuple[Position, Entry]]:
        """Records of all chains in the folder; see `JournalReader.read`."""
        return self._reader.read(after)

    def watermark(self, read: Positions | None = None) -> datetime | None:
        """Up to when nothing is missing; see `JournalReader.watermark`."""
        return self._reader.watermark(read)
