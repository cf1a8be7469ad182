"""When something may next be sent, by the wall clock of a place."""

from __future__ import annotations

import numpy as np

from engine.core.local_hours import DAY_MINUTES
from engine.core.time_zone import TimeZone


class Opening:
    """A daily pattern of open minutes, and the first open one at or after any moment.

    A moment is open when its local wall-clock time is: a time of day that a change of clocks skips does not occur that
    day, one that it repeats is open both times.
    """

    def __init__(self, minutes: np.ndarray) -> None:
        """Prepare the waits.

        Args:
            minutes: Shape (1440,), bool: which minutes of the local day are open.
        """
        self._waits: tuple[int, ...] = ()
        if minutes.any():
            clock = np.arange(2 * DAY_MINUTES)
            following = np.where(np.tile(minutes, 2), clock, 2 * DAY_MINUTES)
            following = np.minimum.accumulate(following[::-1])[::-1]
            self._waits = tuple((following - clock)[:DAY_MINUTES].tolist())

    def first(self, minute: int, zone: TimeZone, within: int) -> int | None:
        """The first open minute.

        Args:
            minute: The moment, in whole minutes since 1970 in UTC.
            zone: The place.
            within: The longest wait in minutes, up to `REACH_MINUTES`.

        Returns:
            A minute from `minute` to `minute + within`; None where there is none.
        """
        if not self._waits:
            return None
        last = minute + within
        for until, offset in zone.stretches(minute):
            found = minute + self._waits[(minute + offset) % DAY_MINUTES]
            if found < until:
                return found if found <= last else None
            if until > last:
                return None
            minute = until
        return None
