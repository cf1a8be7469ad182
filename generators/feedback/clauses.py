"""Clauses of a comment, with how much each one counts and whether it asks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from generators.feedback.words import Word

BEFORE_CONTRAST, AFTER_CONTRAST = 0.5, 1.5
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_ASKS = {
    "en": re.compile(
        r"\?\W*$|^\W*(?:how (?:do|does|can|much|many|long)|where (?:do|can|is)|does anyone|can (?:i|you))\b"
    ),
    "zh": re.compile(
        r"[?？]\W*$|(?:吗|么|多少|哪[个款种]|哪里买|谁[出付]|怎么(?:用|退|换|办|买|洗|装|选))[啊呀呢]?\W*$"
    ),
}


@dataclass(frozen=True, slots=True)
class Turns:
    """Words that weigh a clause against its neighbours.

    Attributes:
        contrast: Wherever they stand, what follows counts more and what stood before less.
        pause: The same, but only first after a pause.
        concession: Among the first two words of a clause, it counts less.
    """

    contrast: frozenset[str]
    pause: frozenset[str]
    concession: frozenset[str]


@dataclass(frozen=True, slots=True)
class Clause:
    """Words between two pauses, and what their moods are multiplied by."""

    words: tuple[Word, ...]
    weight: float = 1.0
    turned: bool = False


def clauses_of(words: Sequence[Word | None], turns: Turns) -> list[Clause]:
    """Part words at punctuation (`None`) and before a contrast, and weigh the parts."""
    parted: list[tuple[list[Word], bool]] = [([], False)]
    for place, word in enumerate(words):
        opens = bool(place) and words[place - 1] is None
        if word is None:
            parted.append(([], False))
        elif place and (word.term in turns.contrast or (opens and word.term in turns.pause)):
            parted.append(([word], True))
        else:
            parted[-1][0].append(word)
    clauses: list[Clause] = []
    for found, turned in parted:
        if turned:
            clauses = [replace(clause, weight=clause.weight * BEFORE_CONTRAST) for clause in clauses]
        yields = any(word.term in turns.concession for word in found[:2])
        weight = AFTER_CONTRAST if turned else BEFORE_CONTRAST if yields else 1.0
        clauses.append(Clause(tuple(found), weight, turned))
    return [clause for clause in clauses if clause.words]


def questions_of(plain: str, language: str) -> list[tuple[int, int]]:
    """Return where the sentences that ask stand, as (start, end)."""
    found = _SENTENCE.finditer(plain)
    return [m.span() for m in found if _ASKS[language].search(m.group().strip())]
