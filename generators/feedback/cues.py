"""What comments speak of, by patterns: topics, intents and signs of buying, with where they stand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from generators.feedback.data import read_toml

TOPICS = ("price", "delivery", "quality", "fit", "taste", "packaging", "service", "copy")
"""Topics that have patterns; a comment without any of them is about something `other`."""
INTENTS = ("browse", "compare", "buy", "complain", "return", "question", "praise", "stop")
BUYS = ("no", "maybe", "yes")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end` of a comment."""

    start: int
    end: int


class Cues:
    """Patterns of one language."""

    def __init__(self, language: str) -> None:
        """Read the patterns of `en` or `zh`."""
        document = read_toml(f"cues_{language}.toml")
        edge = r"(?<![a-z])(?:{})(?![a-z])" if language == "en" else "(?:{})"
        self._topics = _compiled(document["topics"], edge)
        others = {f"{group}.{name}": p for group in ("intents", "buys") for name, p in document[group].items()}
        # A question mark has no letters at its edges to look at; such patterns are searched as they stand.
        self._others = _compiled(others, edge)

    @property
    def size(self) -> int:
        """Number of patterns."""
        return len(self._topics) + len(self._others)

    def topics(self, text: str) -> dict[str, list[Span]]:
        """Topic → where its words stand, for topics that have any."""
        plain = text.lower()
        if len(plain) != len(text):
            plain = text
        spans = {name: [Span(*m.span()) for m in p.finditer(plain)] for name, p in self._topics.items()}
        return {name: found for name, found in spans.items() if found}

    def marks(self, text: str) -> list[float]:
        """1.0 for each pattern that occurs, topics first; length `size`."""
        plain = text.lower()
        return [float(bool(p.search(plain))) for p in (*self._topics.values(), *self._others.values())]


@cache
def cues(language: str) -> Cues:
    """Return the patterns of a language, read once."""
    return Cues(language)


def _compiled(patterns: Mapping[str, Sequence[str]], edge: str) -> dict[str, re.Pattern[str]]:
    return {name: re.compile(edge.format("|".join(any_of))) for name, any_of in patterns.items()}
