"""Forms that carry a mood as a whole, whatever the words in them: comparisons, wishes, rhetoric, stars."""

from __future__ import annotations

import re
from functools import cache

from generators.feedback.data import read_toml
from generators.feedback.mood_word import MoodWord


class Frames:
    """Forms of one language: "if only it were longer", "not as soft as", "没有想象中好", "一星"."""

    def __init__(self, language: str) -> None:
        """Read the forms of `en` or `zh`."""
        edge = r"(?<![a-z0-9])(?:{})(?![a-z])" if language == "en" else "(?:{})"
        document = read_toml(f"frames_{language}.toml")["frames"]
        self._forms = [(float(v), re.compile(edge.format(form))) for v, forms in document.items() for form in forms]

    def find(self, plain: str) -> list[MoodWord]:
        """Find forms that do not overlap, in order; of those that do, the longest and then the strongest stays.

        Args:
            plain: The comment with cases and widths folded.
        """
        found = [MoodWord(m.start(), m.end(), value) for value, form in self._forms for m in form.finditer(plain)]
        kept: list[MoodWord] = []
        for word in sorted(found, key=lambda word: (word.start - word.end, -abs(word.valence))):
            if all(word.end <= other.start or other.end <= word.start for other in kept):
                kept.append(word)
        return sorted(kept, key=lambda word: word.start)


@cache
def frames(language: str) -> Frames:
    """Return the forms of a language, read once."""
    return Frames(language)
