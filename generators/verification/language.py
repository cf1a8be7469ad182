"""Copy must be in the brief's language."""

from __future__ import annotations

import re

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.product_names import ProductNames
from generators.verification.statement import normalised

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


class LanguageCheck:
    """Compares scripts outside the product's own name, brand and code.

    Chinese copy may hold no Latin letters there; English copy may hold no letters of another script. The names
    stay as the catalogue writes them.
    """

    name = "language"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return a reason where letters of another language stand in the copy."""
        own = [*ProductNames.of(brief).all, brief.product.brand, brief.offer.code]
        plain = normalised(text)
        for words in sorted({normalised(w) for w in own if w.strip()}, key=len, reverse=True):
            plain = re.sub(re.escape(words), " ", plain, flags=re.IGNORECASE)
        wanted, name = (_HAN, "Chinese") if brief.language == "zh" else (_LATIN, "English")
        foreign = [c for c in plain if c.isalpha() and not wanted.match(c)]
        marks = {normalised(mark) for mark in brief.currency.symbols}
        if foreign and not all(any(c in mark for mark in marks) for c in foreign):
            return [f"expected {name}, got {''.join(foreign)[:12]!r}"]
        return []
