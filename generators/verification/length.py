"""Every string fits its channel."""

from __future__ import annotations

import unicodedata

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.sms import SmsSize

# A gateway puts the signature in front of a Chinese SMS that bears none, and it is paid for: 【】 and eight characters.
_SIGNATURE_ROOM = "【" + "店" * 8 + "】"


class LengthCheck:
    """Limits of `data/channels.toml`: characters, columns, and segments of an SMS."""

    name = "length"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:
        """Return which limit is broken."""
        found = []
        if limit.max_characters and len(text) > limit.max_characters:
            found.append(f"expected at most {limit.max_characters} characters, got {len(text)}")
        if limit.max_width and (columns := width(text)) > limit.max_width:
            found.append(f"expected at most {limit.max_width} columns, got {columns}")
        if limit.max_segments:
            unsigned = brief.language == "zh" and not text.startswith("【")
            size = SmsSize.of(_SIGNATURE_ROOM + text if unsigned else text)
            if size.segments > limit.max_segments:
                found.append(
                    f"expected at most {limit.max_segments} SMS segments, got {size.segments} ({size.encoding})"
                )
        return found


def width(text: str) -> int:
    """Return how many half-width columns a text takes.

    >>> width("8折 off")
    7

    Source: Unicode Standard Annex #11, East Asian Width.
    """
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)
