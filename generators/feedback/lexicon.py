"""The mood of a comment from word lists: valence, negation, emphasis, contrast, wishes, questions and emoji."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from generators.feedback.clauses import Clause, Turns, clauses_of, questions_of
from generators.feedback.data import read_toml
from generators.feedback.frames import frames
from generators.feedback.mood_word import MoodWord
from generators.feedback.words import folded, words_of

_STRONGER, _WEAKER = 1.3, 0.6
_NOT_GOOD, _NOT_BAD = -0.75, -0.5
_ASKED_GOOD, _ASKED_BAD = 0.2, 0.5
_REACH, _FILLED = 3, 7
_SOFT = 4.0
_EMOJI_COUNTED = 2


@dataclass(frozen=True, slots=True)
class LexiconMood:
    """What word lists make of a comment.

    Attributes:
        mood: From -1 to 1: Σ / √(Σ² + 4) over the valences in their places; 0 where no word is known.
        positive: Σ of valences above 0.
        negative: Σ of valences below 0, at most 0.
        words: Where they stand.
        asks: Whether a sentence of it is a question.
    """

    mood: float
    positive: float
    negative: float
    words: tuple[MoodWord, ...]
    asks: bool = False


class Lexicon:
    """Word lists of one language.

    A word counts -0.75 times its valence (-0.5 times where that is below 0) for each negator up to three words before
    it within the clause; little words between them ("的", "a") do not count. After an intensifier it counts 1.3 times,
    after a hedge 0.6 times; what stands before a "but" half, what follows it one and a half times; in a question
    praise counts a fifth and blame half. Forms such as "if only …" count as a whole. Sarcasm is beyond it.

    Source: the normalisation is that of Hutto, Gilbert (2014), "VADER", with another constant; the lists are our own.
    """

    def __init__(self, language: str) -> None:
        """Read the lists of `en` or `zh`."""
        document = read_toml(f"lexicon_{language}.toml")
        self.language = language
        self._valence = _valences(document["valence"])
        self._emoji = _valences(document["emoji"])
        kinds = {kind: frozenset(_terms(document["words"][kind])) for kind in document["words"]}
        self._negators, self._fillers = kinds["negators"], kinds["fillers"]
        self._stronger, self._weaker, self._after = kinds["stronger"], kinds["weaker"], kinds["after"]
        self._turns = Turns(kinds["contrast"], kinds["pause"], kinds["concession"])
        self._known = frozenset(self._valence) | frozenset().union(*kinds.values())

    def mood(self, text: str) -> LexiconMood:
        """Read a comment."""
        plain = folded(text)
        clauses = clauses_of(words_of(text, self.language, self._known), self._turns)
        forms = frames(self.language).find(plain)
        found = [word for clause in clauses for word in self._in_clause(clause, forms)]
        found += [MoodWord(f.start, f.end, f.valence * _weight_at(f.start, clauses)) for f in forms if f.valence]
        asked = questions_of(plain, self.language)
        words = [_in_question(word, asked) for word in sorted(found, key=lambda word: word.start)]
        marks = list(_emoji_pattern(self).finditer(text))[:_EMOJI_COUNTED]
        words += [MoodWord(m.start(), m.end(), self._emoji[m.group()]) for m in marks]
        positive = sum(word.valence for word in words if word.valence > 0)
        negative = sum(word.valence for word in words if word.valence < 0)
        total = positive + negative
        mood = total / math.sqrt(total * total + _SOFT)
        return LexiconMood(mood, positive, negative, tuple(words), bool(asked))

    @property
    def emoji(self) -> Mapping[str, float]:
        """Emoji → valence."""
        return self._emoji

    def _in_clause(self, clause: Clause, forms: Sequence[MoodWord]) -> list[MoodWord]:
        found = []
        words = clause.words
        for place, word in enumerate(words):
            valence = self._valence_of(word.term)
            if not valence or any(form.start < word.end and word.start < form.end for form in forms):
                continue
            follows = words[place + 1].term if place + 1 < len(words) else ""
            if word.term in self._stronger and self._valence_of(follows):
                continue
            factor = self._factor([w.term for w in words[:place]], valence)
            factor *= _STRONGER if follows in self._after else 1.0
            found.append(MoodWord(word.start, word.end, valence * factor * clause.weight))
        return found

    def _valence_of(self, term: str) -> float:
        if term in self._known or self.language == "zh":
            return self._valence.get(term, 0.0)
        for ending in ("s", "ed", "d", "ly", "ing", "er", "est"):
            if term.endswith(ending) and len(term) - len(ending) > 3 and term[: -len(ending)] in self._valence:
                return self._valence[term[: -len(ending)]]
        return 0.0

    def _factor(self, before: Sequence[str], valence: float) -> float:
        """Multiply what the words before one make of it, from the nearest backwards as far as they reach."""
        negated, emphasis, left = 0, 1.0, _REACH
        for place, term in enumerate(reversed(before[-_FILLED:])):
            if term in self._negators:
                negated += 1
            elif term in self._weaker:
                emphasis *= _WEAKER
            elif term in self._stronger:
                emphasis *= _STRONGER if place == 0 else 1.0
            elif term not in self._fillers:
                left -= 1
            if left <= 0:
                break
        if not negated:
            return emphasis
        return _NOT_GOOD**negated if valence > 0 else _NOT_BAD**negated


@cache
def lexicon(language: str) -> Lexicon:
    """Return the lexicon of a language, read once."""
    return Lexicon(language)


@cache
def _emoji_pattern(known: Lexicon) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(mark) for mark in sorted(known.emoji, key=len, reverse=True)))


def _weight_at(place: int, clauses: Sequence[Clause]) -> float:
    """Return the weight of the clause that a place lies in."""
    weights = [clause.weight for clause in clauses if clause.words[0].start <= place]
    return weights[-1] if weights else 1.0


def _in_question(word: MoodWord, asked: Sequence[tuple[int, int]]) -> MoodWord:
    if not any(start <= word.start < end for start, end in asked):
        return word
    return MoodWord(word.start, word.end, word.valence * (_ASKED_GOOD if word.valence > 0 else _ASKED_BAD))


def _valences(document: Mapping[str, str]) -> dict[str, float]:
    return {term: float(value) for value, terms in document.items() for term in _terms(terms)}


def _terms(text: str) -> list[str]:
    return [term.replace("_", " ") for term in text.split()]
