"""The mood of a comment from word lists: valence, negation, emphasis, contrast and emoji."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from generators.feedback.data import read_toml
from generators.feedback.words import Word, words_of

_STRONGER, _WEAKER = 1.3, 0.6
_NEGATED = -0.75
_BEFORE_CONTRAST, _AFTER_CONTRAST = 0.5, 1.5
_REACH = {"en": 3, "zh": 2}
_SOFT = 4.0


@dataclass(frozen=True, slots=True)
class MoodWord:
    """A word or emoji that carries a mood, where it stands and what it counts for in its place."""

    start: int
    end: int
    valence: float


@dataclass(frozen=True, slots=True)
class LexiconMood:
    """What word lists make of a comment.

    Attributes:
        mood: From -1 to 1: Σ / √(Σ² + 4) over the valences in their places; 0 where no word is known.
        positive: Σ of valences above 0.
        negative: Σ of valences below 0, at most 0.
        words: Where they stand.
    """

    mood: float
    positive: float
    negative: float
    words: tuple[MoodWord, ...]


class Lexicon:
    """Word lists of one language.

    A word counts -0.75 times its valence where a negator stands up to three words before it (two in Chinese) within
    the clause, 1.3 or 0.6 times after an intensifier or a hedge; what stands before a "but" counts half, what follows
    it one and a half times. Sarcasm is beyond it.

    Source: the normalisation is that of Hutto, Gilbert (2014), "VADER", with another constant; the lists are our own.
    """

    def __init__(self, language: str) -> None:
        """Read the lists of `en` or `zh`."""
        document = read_toml(f"lexicon_{language}.toml")
        self.language = language
        self._valence = _valences(document["valence"])
        self._emoji = _valences(document["emoji"])
        kinds = {kind: frozenset(_terms(document["words"][kind])) for kind in document["words"]}
        self._negators, self._stronger, self._weaker = kinds["negators"], kinds["stronger"], kinds["weaker"]
        self._contrast, self._concession = kinds["contrast"], kinds["concession"]
        self._known = frozenset(self._valence) | frozenset().union(*kinds.values())

    def mood(self, text: str) -> LexiconMood:
        """Read a comment."""
        clauses = _clauses(words_of(text, self.language, self._known))
        found: list[tuple[MoodWord, int]] = []
        weights: list[float] = []
        for place, clause in enumerate(clauses):
            turned = bool(clause) and clause[0].term in self._contrast
            if turned:
                weights = [w * _BEFORE_CONTRAST for w in weights]
            yields = any(word.term in self._concession for word in clause[:2])
            weights.append(_AFTER_CONTRAST if turned else _BEFORE_CONTRAST if yields else 1.0)
            found += [(word, place) for word in self._in_clause(clause)]
        marks = [MoodWord(m.start(), m.end(), self._emoji[m.group()]) for m in _emoji_pattern(self).finditer(text)]
        words = tuple(MoodWord(w.start, w.end, w.valence * weights[place]) for w, place in found) + tuple(marks)
        positive = sum(word.valence for word in words if word.valence > 0)
        negative = sum(word.valence for word in words if word.valence < 0)
        total = positive + negative
        return LexiconMood(total / math.sqrt(total * total + _SOFT), positive, negative, words)

    @property
    def emoji(self) -> Mapping[str, float]:
        """Emoji → valence."""
        return self._emoji

    def _in_clause(self, clause: list[Word]) -> list[MoodWord]:
        found = []
        for place, word in enumerate(clause):
            valence = self._valence_of(word.term)
            if valence:
                before = clause[max(place - _REACH[self.language], 0) : place]
                found.append(MoodWord(word.start, word.end, valence * self._factor([w.term for w in before])))
        return found

    def _valence_of(self, term: str) -> float:
        if term in self._valence or self.language == "zh":
            return self._valence.get(term, 0.0)
        for ending in ("s", "ed", "d", "ly", "ing", "er", "est"):
            if term.endswith(ending) and len(term) - len(ending) > 3 and term[: -len(ending)] in self._valence:
                return self._valence[term[: -len(ending)]]
        return 0.0

    def _factor(self, before: list[str]) -> float:
        factor = 1.0
        for term in before:
            if term in self._negators:
                factor *= _NEGATED
            elif term in self._weaker:
                factor *= _WEAKER
            elif term in self._stronger and term == before[-1]:
                factor *= _STRONGER
        return factor


@cache
def lexicon(language: str) -> Lexicon:
    """Return the lexicon of a language, read once."""
    return Lexicon(language)


@cache
def _emoji_pattern(known: Lexicon) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in sorted(known.emoji, key=len, reverse=True)))


def _clauses(words: list[Word | None]) -> list[list[Word]]:
    """Part words at punctuation and before a word of contrast; `None` stands for punctuation."""
    clauses: list[list[Word]] = [[]]
    for word in words:
        if word is None:
            clauses.append([])
        elif word.turns:
            clauses.append([word])
        else:
            clauses[-1].append(word)
    return clauses


def _valences(document: Mapping[str, str]) -> dict[str, float]:
    return {term: float(value) for value, terms in document.items() for term in _terms(terms)}


def _terms(text: str) -> list[str]:
    return [term.replace("_", " ") for term in text.split()]
