"""Copy sounds as its tone says, and never shouts."""

from __future__ import annotations

import re
from functools import cache

from generators.brief import Brief
from generators.data import load_toml
from generators.draft import Draft
from generators.product_names import ProductNames
from generators.verification.finding import Finding
from generators.verification.plain_text import normalised

_CAPITALS = re.compile(r"\b[A-Z]{3,}\b")
_EXCLAMATION = re.compile("[!！]")


class ToneCheck:
    """Rules of `data/tones.toml`, over a draft as a whole: whether a tone shows is seen in its opening line."""

    name = "tone"

    def findings(self, draft: Draft, brief: Brief) -> list[Finding]:
        """Return where the copy shouts or leaves its tone."""
        rules = load_toml("tones.toml")[draft.tone]
        own = _own_words(brief)
        found = [
            Finding(self.name, channel, field, reason)
            for channel, field, text in draft.strings()
            for reason in (*_shouting(_without(text, own)), *_off_tone(_without(text, own), draft.tone))
        ]
        hook = draft.hook.rstrip(".。!！")
        carriers = [(channel, field) for channel, field, text in draft.strings() if hook and hook in text]
        needs = rules.get("hook_needs", [])
        if carriers and needs and not re.search("|".join(needs), draft.hook):
            found.append(Finding(self.name, *carriers[0], f"the opening line does not sound {draft.tone}"))
        return found


def shouting(text: str, brief: Brief) -> list[str]:
    """Return how one string shouts; names, codes and common abbreviations may stand in capitals."""
    return _shouting(_without(text, _own_words(brief)))


def _shouting(text: str) -> list[str]:
    found = []
    if match := _pattern("any", "shouting").search(text):
        found.append(f"shouts {match.group()!r}")
    allowed = set(load_toml("tones.toml")["any"]["capitals"])
    loud = [word for word in _CAPITALS.findall(text) if word not in allowed]
    if loud:
        found.append(f"shouts {loud[0]!r} in capitals")
    return found


def _off_tone(text: str, tone: str) -> list[str]:
    rules = load_toml("tones.toml")[tone]
    found = []
    if (marks := len(_EXCLAMATION.findall(text))) > rules["most_exclamations"]:
        found.append(f"expected at most {rules['most_exclamations']} exclamation marks for {tone!r}, got {marks}")
    if "banned" in rules and (match := _pattern(tone, "banned").search(text)):
        found.append(f"{match.group()!r} does not sound {tone}")
    return found


def _own_words(brief: Brief) -> list[str]:
    """Return what the shop itself writes, longest first."""
    names = ProductNames.of(brief)
    own = [*names.verbatim, brief.sender, brief.offer.code, *brief.currency.symbols, *brief.offer.terms.regions]
    return sorted({normalised(word) for word in own if word.strip()}, key=len, reverse=True)


def _without(text: str, words: list[str]) -> str:
    plain = normalised(text)
    for word in words:
        plain = re.sub(re.escape(word), "\u25a1", plain, flags=re.IGNORECASE)
    return plain


@cache
def _pattern(table: str, name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for p in load_toml("tones.toml")[table][name]), re.IGNORECASE)
