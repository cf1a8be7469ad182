"""Time as it passes in a log that comes in chunks."""

from __future__ import annotations

import numpy as np

from engine.core.errors import InvalidInput
from simulator.log import NO_TIME, Log
from simulator.timestamps import rfc3339

__all__ = ["LogClock"]


class LogClock:
    """Follows `decided_at` from chunk to chunk, and refuses to go back: what learns must not see the future.

    A log in which no row has a time passes in the order of its rows.
    """

    def __init__(self) -> None:
        self._now: int | None = None

    def pass_through(self, log: Log, reader: str) -> list[int]:
        """List the moments of a chunk's rows, microseconds since the epoch.

        Args:
            log: The next chunk.
            reader: Who needs the order, for messages.

        Raises:
            InvalidInput: When a row is earlier than the one before it.
        """
        at = log.decided_at
        if not at.size:
            return []
        before = np.concatenate(([at[0] if self._now is None else self._now], at[:-1]))
        early = np.flatnonzero(at < before)
        if early.size:
            row = int(early[0])
            when = "without a time" if at[row] == NO_TIME else f"of {rfc3339(int(at[row]))}"
            raise InvalidInput(
                f"expected decisions in the order of their time, got {log.decision_ids[row]!r} {when} after a later "
                "one; sort the log by decided_at",
                field=reader,
            )
        self._now = int(at[-1])
        return list(at.tolist())
