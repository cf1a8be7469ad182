"""Checks option values of the command line that are more than a word or a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from engine.core.errors import InvalidInput
from simulator.horizons import Horizons
from simulator.timestamps import duration_us, microseconds

__all__ = ["duration", "horizons", "moment", "named_numbers", "number", "one_of", "words"]


def words(value: str | None) -> list[str] | None:
    """Split a comma-separated list; None stays None."""
    if value is None:
        return None
    return [word.strip() for word in value.split(",") if word.strip()]


def one_of(value: str, known: Sequence[str], flag: str) -> str:
    """Check that a value is one of those known.

    Raises:
        InvalidInput: When it is none of them.
    """
    if value not in known:
        raise InvalidInput(f"expected one of {', '.join(known)}; got {value!r}; correct it", field=flag)
    return value


def moment(value: str | None, flag: str) -> int | None:
    """Read an RFC 3339 time as microseconds since the epoch.

    Raises:
        InvalidInput: When it is none.
    """
    if value is None:
        return None
    at = microseconds(value)
    if at is None:
        raise InvalidInput(
            f"expected an RFC 3339 time with its offset, got {value!r}; write 2025-03-01T12:00:00Z", field=flag
        )
    return at


def duration(value: str | None, flag: str) -> int:
    """Read a duration as microseconds; None is 0.

    Raises:
        InvalidInput: When it is none.
    """
    if value is None:
        return 0
    length = duration_us(value)
    if length is None:
        raise InvalidInput(f"expected a duration such as 90s, 30m, 24h, 7d; got {value!r}", field=flag)
    return length


def number(value: str, flag: str) -> float:
    """Read a number.

    Raises:
        InvalidInput: When it is none.
    """
    read = _number(value)
    if read is None:
        raise InvalidInput(f"expected a number, got {value!r}; correct it", field=flag)
    return read


def horizons(value: str | None, flag: str) -> Horizons:
    """Read one duration for all outcomes, or TYPE=DURATION pairs.

    Raises:
        InvalidInput: When it is neither.
    """
    if value is None or "=" not in value:
        return Horizons(default_us=duration(value, flag))
    by_kind: dict[str, int] = {}
    for pair in words(value) or []:
        kind, equals, length = pair.partition("=")
        if not equals or not kind.strip():
            raise InvalidInput(
                f"expected TYPE=DURATION, got {pair!r}; write for example click=1h,purchase=7d", field=flag
            )
        by_kind[kind.strip()] = duration(length, flag)
    return Horizons(by_kind)


def named_numbers(values: Sequence[str], flag: str) -> Mapping[str, float]:
    """Read NAME=NUMBER pairs.

    Raises:
        InvalidInput: When one is none, or a name repeats.
    """
    numbers: dict[str, float] = {}
    for value in values:
        name, equals, text = value.rpartition("=")
        number = _number(text)
        if not equals or not name.strip() or number is None:
            raise InvalidInput(f"expected NAME=NUMBER, got {value!r}; write for example purchase=0.3", field=flag)
        if name.strip() in numbers:
            raise InvalidInput(f"expected each name once, got {name.strip()!r} twice; remove one", field=flag)
        numbers[name.strip()] = number
    return numbers


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
