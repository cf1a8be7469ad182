"""The rules of `data/claims_*.toml`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from generators.brief import Brief
from generators.data import load_toml, toml_names
from generators.offer import OfferKind


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """One rule.

    Attributes:
        id: Its name in findings, unique over all files.
        source: The law or code, with its article.
        reason: What the rule wants, for the marketer.
        patterns: What it catches, over `folding.folded` text.
        exceptions: What may stand although a pattern finds something in it.
        needs: A fact of the offer that makes the claim true, of `NEEDS`; empty means that nothing does.
        group: The regulated kind of product that it is for, of `data/regulated.toml`; empty means every product.
        caught: Examples that it has to catch; a test tries them.
        spared: Examples that it has to spare.
    """

    id: str
    source: str
    reason: str
    patterns: re.Pattern[str]
    exceptions: re.Pattern[str]
    needs: str
    group: str
    caught: tuple[str, ...]
    spared: tuple[str, ...]

    def applies(self, brief: Brief, groups: frozenset[str]) -> bool:
        """Say whether the brief has to keep the rule."""
        if self.group and self.group not in groups:
            return False
        return not (self.needs and NEEDS[self.needs](brief))

    def words_in(self, plain: str) -> str:
        """Return the words of a folded text that break the rule, or ""."""
        match = self.patterns.search(self.exceptions.sub(" ", plain))
        return match.group() if match else ""


NEEDS: dict[str, Callable[[Brief], bool]] = {
    "free_shipping": lambda brief: brief.offer.kind is OfferKind.FREE_SHIPPING,
    "discount": lambda brief: brief.offer.kind in (OfferKind.MARKDOWN, OfferKind.PERCENT, OfferKind.AMOUNT),
    "offer": lambda brief: brief.offer.kind is not OfferKind.NONE,
    "half": lambda brief: brief.percent == 50,
    "end": lambda brief: brief.offer.ends is not None,
    "code": lambda brief: bool(brief.offer.code),
    "min_spend": lambda brief: bool(brief.offer.terms.min_spend_minor),
    "new_customers": lambda brief: brief.offer.terms.new_customers,
}


@cache
def claim_rules() -> tuple[ClaimRule, ...]:
    """Return every rule, in the order of files and entries."""
    return tuple(_rule(entry) for name in toml_names("claims_") for entry in load_toml(name)["rule"])


def _rule(entry: dict[str, Any]) -> ClaimRule:
    return ClaimRule(
        id=entry["id"],
        source=entry["source"],
        reason=entry["reason"],
        patterns=_any_of(entry["patterns"]),
        exceptions=_any_of(entry.get("exceptions", [])),
        needs=entry.get("needs", ""),
        group=entry.get("group", ""),
        caught=tuple(entry["caught"]),
        spared=tuple(entry["spared"]),
    )


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)", re.IGNORECASE)
