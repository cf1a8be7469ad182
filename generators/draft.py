"""A draft: finished strings that nobody has verified yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draft:
    """Copy of one variant as composed.

    Attributes:
        channels: Channel → field → finished string.
        hook: The opening line that the strings carry.
        tone: Tone of the hook and of the frame.
        lead: What comes first: `hook`, `deal` or `product`.
    """

    channels: Mapping[str, Mapping[str, str]]
    hook: str
    tone: str
    lead: str

    def strings(self) -> Iterator[tuple[str, str, str]]:
        """Yield (channel, field, string)."""
        for channel, fields in self.channels.items():
            for name, text in fields.items():
                yield channel, name, text
