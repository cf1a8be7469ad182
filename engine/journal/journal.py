"""A journal, as a port: one chain to write, all chains to read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from engine.journal.appender import Appender
from engine.journal.entry import Entry
from engine.journal.position import Position
from engine.journal.positions import Positions


class Journal(Appender, Protocol):
    """What every journal can do, wherever it keeps its records; one contract suite runs on all of them."""

    def read(self, after: Positions | None = None) -> Iterator[tuple[Position, Entry]]:
        """Acknowledged records behind `after`, in order of recorded_at, ties in order of the chains' names."""
        ...

    def watermark(self, read: Positions | None = None) -> datetime | None:
        """Up to when nothing is missing from what was read; None while that cannot be said."""
        ...
