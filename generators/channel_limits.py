"""Limits of each channel, read from `data/channels.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from generators.data import load_toml


@dataclass(frozen=True, slots=True)
class FieldLimit:
    """Limit of one string of a channel.

    Attributes:
        channel: The channel, or empty for a string that has none yet.
        field: The field within it.
        max_characters: Longest allowed, in characters; 0 means that only segments count.
        max_width: Longest allowed in half-width columns, where Chinese characters take two; 0 means no such limit.
        max_segments: Most SMS segments; 0 where the string is no SMS.
        states_code: Whether the string must carry the offer's code, since the shopper cannot redeem it otherwise.
        states_end: Whether the string must carry the offer's last day.
        states_terms: Whether the string must carry the offer's terms.
    """

    channel: str = ""
    field: str = ""
    max_characters: int = 0
    max_width: int = 0
    max_segments: int = 0
    states_code: bool = False
    states_end: bool = False
    states_terms: bool = False


@cache
def channel_limits() -> dict[str, dict[str, FieldLimit]]:
    """Return channel → field → limit, in the order of the data file."""
    return {
        channel: {name: FieldLimit(channel=channel, field=name, **limit) for name, limit in fields.items()}
        for channel, fields in load_toml("channels.toml").items()
    }


def channel_names() -> tuple[str, ...]:
    """Return the channels that copy can be written for."""
    return tuple(channel_limits())
