"""Words that advertising may not use, or only where the offer bears them out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.offer import OfferKind
from generators.verification.statement import normalised


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    reason: str
    needs: str


class ClaimCheck:
    """Banned and conditional claims from `data/claims_{language}.toml`, and the brief's own banned words."""

    name = "claims"

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:  # noqa: ARG002 - one verb for all checks
        """Return each claim that the copy may not make."""
        plain = normalised(text)
        found = [
            f"{match.group()!r}: {rule.reason}"
            for language in ("en", "zh")
            for rule in _rules(language)
            if not (rule.needs and _borne_out(rule.needs, brief)) and (match := rule.pattern.search(plain))
        ]
        words = [w for w in brief.banned_words if normalised(w).casefold() in plain.casefold()]
        return found + [f"{word!r}: banned by the brief" for word in words]


def _borne_out(needs: str, brief: Brief) -> bool:
    """Say whether the offer makes a conditional claim true."""
    return {
        "free_shipping": brief.offer.kind is OfferKind.FREE_SHIPPING,
        "discount": brief.offer.kind in (OfferKind.MARKDOWN, OfferKind.PERCENT, OfferKind.AMOUNT),
        "half": brief.percent == 50,
        "end": brief.offer.ends is not None,
        "code": bool(brief.offer.code),
    }[needs]


@cache
def _rules(language: str) -> tuple[_Rule, ...]:
    data: dict[str, Any] = load_toml(f"claims_{language}.toml")
    return tuple(
        _Rule(
            re.compile("|".join(f"(?:{pattern})" for pattern in entry["patterns"]), re.IGNORECASE),
            entry["reason"],
            entry.get("needs", ""),
        )
        for entry in data["claim"]
    )
