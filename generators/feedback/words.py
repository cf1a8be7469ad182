"""Words of a comment with their places: split at spaces in English, by longest known word in Chinese."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

_LONGEST_PHRASE = 6
_ENGLISH = re.compile(r"[a-z0-9\u00c0-\u024f]+(?:['’/-][a-z0-9\u00c0-\u024f]+)*|[.,;:!?()\n]")
_CHINESE_STOP = re.compile(r"[^\w\s]|\s")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as lists have it, and its place in the text."""

    term: str
    start: int
    end: int


def words_of(text: str, language: str, known: frozenset[str]) -> list[Word | None]:
    """Split a comment.

    Args:
        text: The comment.
        language: `en` or `zh`.
        known: Words and phrases to look for, lower case; the longest wins.

    Returns:
        Words in order; None stands for punctuation.
    """
    return _chinese(text, known) if language == "zh" else _english(text, known)


def _english(text: str, known: frozenset[str]) -> list[Word | None]:
    plain = folded(text)
    tokens = [
        None if not m.group()[0].isalnum() else Word(m.group().replace("’", "'"), m.start(), m.end())
        for m in _ENGLISH.finditer(plain)
    ]
    joined: list[Word | None] = []
    place = 0
    while place < len(tokens):
        word, used = _phrase(tokens[place : place + _LONGEST_PHRASE], known)
        joined.append(word)
        place += used
    return joined


def _phrase(tokens: list[Word | None], known: frozenset[str]) -> tuple[Word | None, int]:
    """Return the longest known phrase that the tokens begin with, or the first token, and how many it takes."""
    run: list[Word] = []
    for token in tokens:
        if token is None:
            break
        run.append(token)
    for size in range(len(run), 1, -1):
        term = " ".join(word.term for word in run[:size])
        if term in known:
            return Word(term, run[0].start, run[size - 1].end), size
    return tokens[0], 1


def _chinese(text: str, known: frozenset[str]) -> list[Word | None]:
    plain = folded(text)
    longest = _longest(known)
    found: list[Word | None] = []
    place = 0
    while place < len(plain):
        sizes = range(min(longest, len(plain) - place), 1, -1)
        size = next((size for size in sizes if plain[place : place + size] in known), 1)
        if size == 1 and _CHINESE_STOP.match(plain[place]):
            found.append(None)
        else:
            found.append(Word(plain[place : place + size], place, place + size))
        place += size
    return found


@cache
def _longest(known: frozenset[str]) -> int:
    return max(map(len, known), default=1)


def folded(text: str) -> str:
    """Lower the case and widths character by character, so that every place stays where it is in the text."""
    return "".join(_same_length(character) for character in text)


def _same_length(character: str) -> str:
    changed = unicodedata.normalize("NFKC", character).casefold()
    return changed if len(changed) == 1 else character
