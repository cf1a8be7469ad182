"""Decide whether a proposed hook may open a message."""

from __future__ import annotations

import re
from itertools import pairwise

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.data import load_toml
from generators.verification import ClaimCheck, FormCheck, LanguageCheck, ProfanityCheck, normalised

_EN_WORDS = (3, 14)
_ZH_CHARACTERS = (4, 24)


class HookScreen:
    """Rejects hooks that state facts, make claims, are malformed or copy an example.

    A hook is held to more than finished copy: it may not speak of price, delivery or a property of the product at
    all, since a model does not know them. The rules are in `data/hook_rules.toml`.
    """

    def __init__(self) -> None:
        rules = load_toml("hook_rules.toml")
        self._banned = re.compile("|".join(f"(?:{p})" for p in rules["banned"]), re.IGNORECASE)
        self._hanging = re.compile(rules["hanging"], re.IGNORECASE)
        self._checks = (ClaimCheck(), ProfanityCheck(), LanguageCheck(), FormCheck())

    def reasons(self, hook: str, brief: Brief) -> list[str]:
        """Return why the hook may not be used; empty when it may."""
        text = normalised(hook)
        found = _size(text, brief.language)
        if any(character.isnumeric() for character in text if brief.language == "en" or character.isdigit()):
            found.append("states a figure")
        if match := self._banned.search(text):
            found.append(f"speaks of {match.group()!r}")
        if brief.language == "en":
            found += _english_form(text, brief, self._hanging)
        for check in self._checks:
            found += check.reasons(hook, brief, FieldLimit())
        return found


def _size(text: str, language: str) -> list[str]:
    size, (least, most) = (len(text), _ZH_CHARACTERS) if language == "zh" else (len(text.split()), _EN_WORDS)
    unit = "characters" if language == "zh" else "words"
    found = [] if least <= size <= most else [f"expected {least}-{most} {unit}, got {size}"]
    return found + (["longer than 80 characters"] if len(text) > 80 else [])


def _english_form(text: str, brief: Brief, hanging: re.Pattern[str]) -> list[str]:
    """One finished sentence, no word twice in a row, no name that the brief does not know."""
    found = []
    if not re.fullmatch(r"[A-Z][A-Za-z' ,\-]*(?:[.!?](?: [A-Z][A-Za-z' ,\-]*)?)?[.!?]", text):
        found.append("expected one or two finished sentences of plain words")
    if hanging.search(text):
        found.append("breaks off")
    words = re.findall(r"[a-z']+", text.lower())
    content = [word for word in words if len(word) > 3]
    if len(set(content)) < len(content) or any(a == b for a, b in pairwise(words)):
        found.append("repeats a word")
    known = set(re.findall(r"[a-z']+", f"{brief.product.title} {brief.product.category}".lower())) | {"i"}
    inner = re.findall(r"(?<![.!?] )(?<!^)\b[A-Z][a-z']*", text)
    if any(word.lower() not in known for word in inner):
        found.append("names something that the brief does not")
    return found
