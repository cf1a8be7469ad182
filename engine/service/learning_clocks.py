"""How far the chains' own clocks have come while a journal is being read."""

from __future__ import annotations

from datetime import datetime

from engine.journal import Entry, Mark, Position


class ChainClocks:
    """The last time read of every chain.

    A pass over the journal gives records in order of their times. So within a pass nothing older than the record in
    hand is left, but for what chains whose end was reached before have written since: those hold the time back at
    their last record, unless they are closed.
    """

    def __init__(self) -> None:
        self._open: dict[str, datetime] = {}
        self._now: datetime | None = None

    def note(self, position: Position, entry: Entry) -> None:
        """Take in the record in hand."""
        self._now = entry.recorded_at
        if isinstance(entry.record, Mark) and entry.record.closed:
            self._open.pop(position.chain, None)
        else:
            self._open[position.chain] = entry.recorded_at

    def watermark(self) -> datetime | None:
        """Up to when nothing is missing, in the middle of a pass; None before the first record."""
        return min(self._open.values()) if self._open else self._now
