"""A part of the local day, such as 21:00 to 08:00."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput

DAY_MINUTES = 1440

_CLOCK = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00", re.ASCII)


@dataclass(frozen=True, slots=True)
class LocalHours:
    """From one wall-clock time until before another; where the end is not after the start, it crosses midnight.

    Attributes:
        start: Minute of the local day, 0 to 1439.
        end: Minute of the local day before which it ends, 0 to 1440; never equal to `start`.
    """

    start: int
    end: int

    @staticmethod
    def parse(from_time: str, to_time: str, field: str) -> LocalHours:
        """Read "HH:MM" to "HH:MM"; "24:00" may end a day.

        Args:
            from_time: First minute.
            to_time: First minute after.
            field: What the two are part of, for messages.

        Raises:
            InvalidInput: Naming the time that cannot be read, or both where they are equal.

        Examples:
            >>> LocalHours.parse("21:00", "08:00", "quiet_hours")
            LocalHours(start=1260, end=480)
        """
        start, end = _minute(from_time, f"{field}.from_time"), _minute(to_time, f"{field}.to_time")
        if start == DAY_MINUTES:
            raise InvalidInput('expected a time from "00:00" to "23:59", got "24:00"', field=f"{field}.from_time")
        if start == end:
            raise InvalidInput(
                f'expected a time other than from_time, got {to_time} twice; the whole day is "00:00" to "24:00"',
                field=f"{field}.to_time",
            )
        return LocalHours(start, end)

    def minutes(self) -> np.ndarray:
        """Shape (1440,), bool: which minutes of the local day lie within."""
        clock = np.arange(DAY_MINUTES)
        if self.start < self.end:
            return (clock >= self.start) & (clock < self.end)
        return (clock >= self.start) | (clock < self.end)


def _minute(text: str, field: str) -> int:
    if not _CLOCK.fullmatch(text):
        raise InvalidInput(f'expected a time such as "08:30", got {text[:16]!r}', field=field)
    return int(text[:2]) * 60 + int(text[3:])
