"""Words that may stand in one sentence with a figure; any other could change what the figure says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from generators.data import load_toml
from generators.verification.plain_text import normalised
from generators.verification.reading import NAMED, STATED

_SENTENCE = re.compile(r"[.!?;:。…|｜\n]+")
# Roles that the reader understands: what gave a figure its role is no stray word.
_ROLES = {
    "money": ("min_spend_before", "saving_before", "saving_after", "reference_before", "reference_after"),
    "percent": ("discount_before", "discount_after"),
}
_FILLER = "just|only|a|an|the|只要|仅需|仅|为|是|价"


def unvouched(rest: str, own: Iterable[str]) -> list[str]:
    """Return the words of each sentence with a statement that neither the data file nor the product has.

    Lists of words that spoil a figure never end ("a pair", "for students", "(tomorrow)"); the words that a true figure
    needs are few. So a sentence that states something may hold those of `data/figure_words.toml` only.

    Args:
        rest: A normalised string with `STATED` in the place of every statement.
        own: The product's name, brand and the like, which may stand anywhere.

    >>> unvouched("Meet Mug. Now □ a pair (was □).", ["Mug"]), unvouched("Two of them. Now □.", [])
    (['a pair'], [])
    """
    if STATED not in rest:
        return []
    for words in sorted({normalised(words) for words in own if words}, key=len, reverse=True):
        rest = re.sub(rf"{_edge(words[0], '<')}{re.escape(words)}{_edge(words[-1], '')}", NAMED, rest, flags=re.I)
    stray = (" ".join(_vouched().sub(" ", part).split()) for part in _SENTENCE.split(rest) if STATED in part)
    return [
        words
        for part in stray
        if (words := part.replace(STATED, "").replace(NAMED, "").strip(" ,()（）、-")) and any(map(str.isalpha, words))
    ]


def _edge(letter: str, behind: str) -> str:
    return rf"(?{behind}![A-Za-z])" if letter.isascii() and letter.isalpha() else ""


@cache
def _vouched() -> re.Pattern[str]:
    cues, words = load_toml("cues.toml"), load_toml("figure_words.toml")
    roles = [
        rf"(?:{pattern})(?=\s*(?:{_FILLER})?\s*{STATED})" if name.endswith("_before") else rf"(?<={STATED})(?:{pattern})"
        for table, names in _ROLES.items()
        for name in names
        for pattern in cues[table][name]
    ]
    generic = [re.escape(load_toml(f"copy_{language}.toml")["generic_name"]) for language in ("en", "zh")]
    english = [rf"\b(?:{pattern})\b" for pattern in sorted(words["en"]["words"], key=len, reverse=True)]
    chinese = sorted(words["zh"]["words"], key=len, reverse=True)
    return re.compile("|".join(f"(?:{pattern})" for pattern in (*generic, *english, *chinese, *roles)), re.IGNORECASE)
