"""Copy must be whole: no empty string, no unfilled slot, no stray sign."""

from __future__ import annotations

import re
import unicodedata

from generators.brief import Brief
from generators.channel_limits import FieldLimit

_STRAY = re.compile(
    r"[{}<>\[\]_|\\^~*]|https?:|www\.|\s{2,}|[ ](?=[,.!?;:])|[,;:]{2,}|^[\s,.;:，。！？；：]|，，|。。|，。"
)


class FormCheck:
    """Finds what a template or a model leaves behind, and every emoji (there is no emoji policy but none)."""

    name = "form"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return what is wrong with the form of the string."""
        if not text.strip() or text != text.strip():
            return ["expected text without spaces around it"]
        found = []
        if match := _STRAY.search(text):
            found.append(f"stray {match.group()!r}")
        odd = [c for c in text if unicodedata.category(c) in ("So", "Cc", "Cf", "Co", "Cn", "Cs", "Sk")]
        if odd:
            found.append(f"expected letters and common signs, got {odd[0]!r}")
        return found
