"""Copy must be in the brief's language."""

from __future__ import annotations

import re

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.product_names import ProductNames
from generators.verification.plain_text import normalised

_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")


class LanguageCheck:
    """Compares scripts outside the product's own name, brand and code.

    Chinese copy may hold no Latin letters there; English copy may hold no letters of another script. The names
    stay as the catalogue writes them, currency marks and the opt-out of an SMS ("回复R") as the data files do.
    """

    name = "language"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return a reason where letters of another language stand in the copy."""
        names = ProductNames.of(brief)
        optout = str(load_toml(f"copy_{brief.language}.toml")["optout"])
        own = [*names.verbatim, brief.sender, brief.offer.code, *brief.currency.symbols, optout]
        own += brief.offer.terms.regions
        plain = normalised(text)
        for words in sorted({normalised(w) for w in own if w.strip()}, key=len, reverse=True):
            plain = re.sub(re.escape(words), " ", plain, flags=re.IGNORECASE)
        wanted, name = (_HAN, "Chinese") if brief.language == "zh" else (_LATIN, "English")
        foreign = "".join(c for c in plain if c.isalpha() and not wanted.match(c))
        if foreign:
            return [f"expected {name}, got {foreign[:12]!r}"]
        return []
