"""Every string fits its channel."""

from __future__ import annotations

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.sms import SmsSize


class LengthCheck:
    """Limits of `data/channels.toml`: characters, and segments of an SMS."""

    name = "length"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return which limit is broken."""
        found = []
        if limit.max_characters and len(text) > limit.max_characters:
            found.append(f"expected at most {limit.max_characters} characters, got {len(text)}")
        if limit.max_segments and (size := SmsSize.of(text)).segments > limit.max_segments:
            found.append(f"expected at most {limit.max_segments} SMS segments, got {size.segments} ({size.encoding})")
        return found
