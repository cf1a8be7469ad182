"""No swearing."""

from __future__ import annotations

import re
from functools import cache

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.verification.statement import normalised


class ProfanityCheck:
    """Words of `data/profanity.toml`, in both languages whatever the brief's."""

    name = "profanity"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return a reason for the first such word."""
        match = _pattern().search(normalised(text))
        return [f"{match.group()!r} may not be sent"] if match else []


@cache
def _pattern() -> re.Pattern[str]:
    words = load_toml("profanity.toml")
    stems = "|".join(re.escape(stem) for stem in words["en_stems"])
    whole = "|".join(re.escape(word) for word in words["en_words"])
    zh = "|".join(re.escape(word) for word in words["zh"])
    return re.compile(rf"\b(?:{stems})\w*|\b(?:{whole})\b|{zh}", re.IGNORECASE)
