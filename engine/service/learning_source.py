"""The journal as learning and exporting see it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from engine.journal import Entry, Position, Positions


class JournalSource(Protocol):
    """All chains of a journal, read as one; `JournalReader` and `MemoryJournal` are such."""

    def read(self, after: Positions | None = None) -> Iterator[tuple[Position, Entry]]:
        """Records behind `after`, in order of recorded_at."""
        ...

    def watermark(self, read: Positions | None = None) -> datetime | None:
        """Up to when nothing is missing from what was read; None while that cannot be said."""
        ...
