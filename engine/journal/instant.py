"""Times as the journal writes them: whole microseconds since 1970, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.core.errors import InvalidInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000


def to_micros(at: datetime) -> int:
    """Microseconds since the epoch, exact.

    Raises:
        InvalidInput: If `at` has no time zone, since it then names no instant.

    Examples:
        >>> to_micros(datetime(1970, 1, 2, tzinfo=UTC))
        86400000000
    """
    if at.tzinfo is None:
        raise InvalidInput("expected a time with its zone, got a naive one; use UTC", field="at")
    since = at - _EPOCH
    return since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds


def from_micros(micros: int) -> datetime:
    """The instant, aware UTC.

    Raises:
        OverflowError: If it lies outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(microseconds=micros)
