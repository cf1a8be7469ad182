"""RFC 3339 times and durations as integers."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["duration_us", "microseconds", "rfc3339"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_TIME = -(2**63)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def microseconds(value: object) -> int | None:
    """Turn an RFC 3339 time into microseconds since the epoch.

    Returns:
        The smallest int64 for None (absent), or None when the value is no RFC 3339 time with an offset.

    >>> microseconds("1970-01-01T00:00:01Z")
    1000000
    """
    if value is None:
        return _NO_TIME
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        return None
    try:
        return (datetime.fromisoformat(value.upper()) - _EPOCH) // _MICROSECOND
    except ValueError:
        return None


def rfc3339(moment: int) -> str:
    """Write microseconds since the epoch as RFC 3339 in UTC.

    >>> rfc3339(1_500_000)
    '1970-01-01T00:00:01.500000Z'
    """
    return (_EPOCH + moment * _MICROSECOND).isoformat().replace("+00:00", "Z")


def duration_us(value: str) -> int | None:
    """Turn a duration such as 90s, 30m, 24h, 7d into microseconds; None when it is none.

    >>> duration_us("1.5h")
    5400000000
    """
    match = _DURATION.fullmatch(value.strip())
    return None if match is None else round(float(match[1]) * _UNITS[match[2]] * 1_000_000)
