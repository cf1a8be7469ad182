"""What deciding and recording need of the world: a clock and a durable log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from engine.core.decision_block import DecisionBlock
from engine.journal import Added, Record


class DeliveryClock(Protocol):
    """Time, with a rule about which claims of callers are believed."""

    def now(self) -> datetime:
        """The present."""
        ...

    def deciding_at(self, claimed: datetime | None) -> datetime:
        """The time of a decision."""
        ...

    def reported_at(self, happened: datetime) -> datetime:
        """The time of receiving an outcome."""
        ...


class DurableLog(Protocol):
    """Takes records, and says when they are durable."""

    def add(self, records: Sequence[Record], at: datetime) -> Added:
        """Take records in order, at a time."""
        ...

    def add_block(self, block: DecisionBlock, at: datetime, batch: bytes = b"") -> Added:
        """Take decisions whose contexts are columns, in any order."""
        ...
