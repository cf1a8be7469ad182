"""A place's wall clock against UTC, daylight saving included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core.errors import InvalidInput

REACH_MINUTES = 3 * 1440
"""How far ahead stretches go. What opens at some time of every local day opens within two days, even where a change of
clocks swallows one of its openings; the third is to spare."""

_BLOCK_MINUTES = 7 * 1440
_STEP_MINUTES = 1440
_KEPT_BLOCKS = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = (datetime(2, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(minutes=1)
_LATEST = (datetime(9998, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(minutes=1)
_NOT_PLACES = ("posix/", "right/", "localtime", "posixrules", "Factory")


class TimeZone:
    """The offsets of one IANA zone, looked up a week at a time and kept.

    Minutes are whole minutes since 1970 in UTC. Since 1972 every zone's offset is a whole number of minutes; an older
    one with seconds is cut to the minute.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._blocks: dict[int, tuple[tuple[int, int], ...]] = {}

    def stretches(self, minute: int) -> Iterator[tuple[int, int]]:
        """The stretches of one offset each, from `minute` on, for at least `REACH_MINUTES`.

        Yields:
            (first minute after the stretch, local time less UTC in minutes), in order.
        """
        block = minute // _BLOCK_MINUTES
        found = self._blocks.get(block)
        if found is None:
            if len(self._blocks) >= _KEPT_BLOCKS:
                self._blocks.clear()
            found = self._blocks[block] = tuple(self._look_up(block * _BLOCK_MINUTES))
        for until, offset in found:
            if until > minute:
                yield until, offset

    def _look_up(self, start: int) -> Iterator[tuple[int, int]]:
        """Look every day, and to the minute where two looks differ; no zone ever changed twice within three days."""
        end = start + _BLOCK_MINUTES + REACH_MINUTES + 1
        offset = self._offset(start)
        for minute in range(start, end, _STEP_MINUTES):
            later = self._offset(minute + _STEP_MINUTES)
            if later != offset:
                low, high = minute, minute + _STEP_MINUTES
                while high - low > 1:
                    middle = (low + high) // 2
                    low, high = (middle, high) if self._offset(middle) == offset else (low, middle)
                yield high, offset
                offset = later
        yield end, offset

    def _offset(self, minute: int) -> int:
        moment = _EPOCH + timedelta(minutes=min(max(minute, _EARLIEST), _LATEST))
        offset = moment.astimezone(self._zone).utcoffset()
        return offset // timedelta(minutes=1) if offset is not None else 0


def time_zone(name: str, field: str = "time_zone") -> TimeZone:
    """The zone of an IANA name, read once and kept.

    Args:
        name: For instance `Europe/Berlin`; names are case-sensitive.
        field: Where the name stands, for messages.

    Raises:
        InvalidInput: If there is no such zone.
    """
    try:
        return _loaded(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(
            f"expected an IANA time zone such as 'Europe/Berlin', got {name[:64]!r}; correct it, or update tzdata",
            field=field,
        ) from None


@lru_cache(maxsize=1024)
def _loaded(name: str) -> TimeZone:
    if name.startswith(_NOT_PLACES):
        raise ValueError(name)
    return TimeZone(ZoneInfo(name))
