"""Words that no hook may hold, found among many at once."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.verification import ClaimCheck, ProfanityCheck

# With no offer at all, no claim is borne out.
_NEUTRAL = Brief("neutral", Product("thing", 100, "USD", "", ""), Offer(OfferKind.NONE))


class BannedWords:
    """The hook rules, the claims and the profanity lists, asked about single words."""

    def __init__(self) -> None:
        rules = load_toml("hook_rules.toml")
        self._pattern = re.compile("|".join(f"(?:{p})" for p in rules["banned"]), re.IGNORECASE)
        self._checks = (ClaimCheck(), ProfanityCheck())

    def among(self, words: Collection[str]) -> frozenset[str]:
        """Return those of the words that no hook may hold.

        Most words are harmless, so a whole heap is asked about first and split where something is found.
        """
        return frozenset(self._found(sorted(words)))

    def _found(self, words: Sequence[str]) -> list[str]:
        if not words or not self._holds(" | ".join(words)):
            return []
        if len(words) == 1:
            return list(words)
        # Small heaps: nearly each large one holds something.
        size = 64 if len(words) > 64 else (len(words) + 1) // 2
        return [word for start in range(0, len(words), size) for word in self._found(words[start : start + size])]

    def _holds(self, text: str) -> bool:
        if self._pattern.search(text):
            return True
        return any(check.reasons(text, _NEUTRAL, FieldLimit()) for check in self._checks)
