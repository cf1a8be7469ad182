"""The writing side of a journal, as a port."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.core.decision_block import DecisionBlock
from engine.journal.entry import Record
from engine.journal.position import Position


class Appender(Protocol):
    """Writes one chain. A record is acknowledged when the `commit` after its `append` returns."""

    @property
    def position(self) -> Position:
        """The end of what is acknowledged."""
        ...

    @property
    def end(self) -> Position:
        """The end of what was appended, acknowledged or not."""
        ...

    @property
    def recorded_at(self) -> datetime | None:
        """When the chain's last record was recorded; None before the first."""
        ...

    def append(self, record: Record, at: datetime) -> Position:
        """Buffer a record; a time before the chain's last is moved up to it."""
        ...

    def append_many(self, records: Sequence[Record], at: datetime) -> list[Position]:
        """Buffer records side by side; if one cannot be written, none is."""
        ...

    def append_block(self, block: DecisionBlock, at: datetime, batch: bytes = b"") -> tuple[Position, Position]:
        """Buffer decisions whose contexts are columns, in any order; where they begin and end."""
        ...

    def commit(self) -> None:
        """Make everything appended so far durable, or raise JournalFailed and take no more."""
        ...

    def close(self, at: datetime | None = None) -> None:
        """Commit, record that the chain is closed, and let it go."""
        ...
