"""Copy must be whole: no empty string, no unfilled slot, no stray sign, no shouting."""

from __future__ import annotations

import re
import unicodedata

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.emoji_policy import without_emoji

_STRAY = re.compile(
    r"[{}<>\[\]_|\\^~*]|https?:|www\.|\s{2,}|[ ](?=[,.!?;:])|[,;:]{2,}|^[\s,.;:，。！？；：]"
    r"|，，|。。|，。|[！？。][，。]"
)
_ODD = ("So", "Cc", "Cf", "Co", "Cn", "Cs", "Sk", "Mn", "Me")


class FormCheck:
    """Finds what a template or a model leaves behind; emoji are the business of their own check."""

    name = "form"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return what is wrong with the form of the string."""
        if not text.strip() or text != text.strip():
            return ["expected text without spaces around it"]
        found = []
        if match := _STRAY.search(text):
            found.append(f"stray {match.group()!r}")
        odd = [c for c in unicodedata.normalize("NFC", without_emoji(text)) if unicodedata.category(c) in _ODD]
        if odd:
            found.append(f"expected letters and common signs, got {odd[0]!r}")
        return found
