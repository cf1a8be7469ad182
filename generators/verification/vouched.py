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
    rest = _without(rest, own)
    stray = (" ".join(_vouched().sub(" ", part).split()) for part in _SENTENCE.split(rest) if STATED in part)
    return [
        words
        for part in stray
        if (words := part.replace(STATED, "").replace(NAMED, "").strip(" ,()（）、-")) and any(map(str.isalpha, words))
    ]


def shop_talk(rest: str, own: Iterable[str]) -> list[str]:
    """Return words of the shop in sentences without a statement: no figure of the brief can bear them out.

    Args:
        rest: A normalised string with `STATED` in the place of every statement.
        own: The product's name, brand and the like, which may stand anywhere.

    >>> shop_talk("Members save more. Meet Dealer. Your basket is waiting!", ["Dealer"])
    ['Members']
    """
    plain = _own_sentences().sub(" ", _without(rest, own))
    found = (_shop_talk().search(part) for part in _SENTENCE.split(plain) if STATED not in part)
    return [match.group() for match in found if match]


def _without(text: str, own: Iterable[str]) -> str:
    for words in sorted({normalised(words) for words in own if words}, key=len, reverse=True):
        text = re.sub(rf"{_edge(words[0], '<')}{re.escape(words)}{_edge(words[-1], '')}", NAMED, text, flags=re.I)
    return text


def _edge(letter: str, behind: str) -> str:
    return rf"(?{behind}![A-Za-z])" if letter.isascii() and letter.isalpha() else ""


@cache
def _vouched() -> re.Pattern[str]:
    cues, words = load_toml("cues.toml"), load_toml("figure_words.toml")
    roles = [
        rf"(?:{pattern})(?=\s*(?:{_FILLER})?\s*{STATED})"
        if name.endswith("_before")
        else rf"(?<={STATED})(?:{pattern})"
        for table, names in _ROLES.items()
        for name in names
        for pattern in cues[table][name]
    ]
    generic = [re.escape(load_toml(f"copy_{language}.toml")["generic_name"]) for language in ("en", "zh")]
    english = [rf"\b(?:{pattern})\b" for pattern in sorted(words["en"]["words"], key=len, reverse=True)]
    chinese = sorted(words["zh"]["words"], key=len, reverse=True)
    return re.compile("|".join(f"(?:{pattern})" for pattern in (*generic, *english, *chinese, *roles)), re.IGNORECASE)


@cache
def _shop_talk() -> re.Pattern[str]:
    words = load_toml("figure_words.toml")["shop_talk"]
    return re.compile("|".join((rf"\b(?:{'|'.join(words['en'])})\b", *words["zh"])), re.IGNORECASE)


@cache
def _own_sentences() -> re.Pattern[str]:
    """Return the closings, calls, labels and ways out that the copy files themselves hold, and free delivery."""
    own = ["free delivery", "包邮"]
    for language in ("en", "zh"):
        words = load_toml(f"copy_{language}.toml")
        own += [words["optout"], words["generic_name"]]
        own += [label for pattern in words["code"] if (label := pattern.split("{")[0].strip()).endswith((":", "："))]
        own += [line for table in ("closing", "cta") for lines in words[table].values() for line in lines]
    return re.compile("|".join(re.escape(normalised(line)) for line in sorted(own, key=len, reverse=True)), re.I)
