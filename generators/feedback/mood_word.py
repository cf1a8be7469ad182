"""What carries a mood in a comment, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MoodWord:
    """A word, form or emoji that carries a mood, where it stands and what it counts for in its place."""

    start: int
    end: int
    valence: float
