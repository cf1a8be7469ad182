"""What is read out of one comment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generators.feedback.cues import Span


@dataclass(frozen=True, slots=True)
class Opinion:
    """One comment, read.

    Attributes:
        language: `en` or `zh`.
        mood: P(positive) − P(negative), from -1 to 1: the value of its outcome.
        moods: negative, neutral, positive → probability.
        topics: Topic → probability, for those of at least one half; `other` where there is none.
        evidence: Topic → the characters that speak of it.
        buys: Purchase intention in [0, 1]: P(yes) + P(maybe) / 2.
        intent: The likeliest of browse, compare, buy, complain, return, question, praise, stop.
        intents: Each of them → probability.
    """

    language: str
    mood: float
    moods: Mapping[str, float]
    topics: Mapping[str, float]
    evidence: Mapping[str, tuple[Span, ...]]
    buys: float
    intent: str
    intents: Mapping[str, float] = field(default_factory=dict)

    @property
    def sentiment(self) -> str:
        """The likeliest of negative, neutral and positive."""
        return max(self.moods, key=lambda mood: self.moods[mood])
