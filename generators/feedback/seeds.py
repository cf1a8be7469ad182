"""Sentences with the labels that they were written for; see `data/seed_*.tsv`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.feedback.cues import BUYS, INTENTS, TOPICS
from generators.feedback.data import read_text

MOODS = ("negative", "neutral", "positive")


@dataclass(frozen=True, slots=True)
class Seed:
    """One sentence.

    Attributes:
        text: The sentence.
        mood: One of `MOODS`.
        topics: Of `TOPICS`; none for anything else.
        buys: `no`, `maybe` or `yes`: whether the writer means to buy, or to buy again.
        intent: One of `INTENTS`.
    """

    text: str
    mood: str
    topics: frozenset[str]
    buys: str
    intent: str


def read_seeds(name: str) -> list[Seed]:
    """Read a file of this package.

    Raises:
        InvalidInput: A line is not of the five columns, or has a label that is not known.
    """
    seeds = []
    for number, line in enumerate(read_text(name).splitlines(), 1):
        if line.startswith(("#", "text\t")) or not line.strip():
            continue
        parts = line.split("\t")
        if len(parts) != 5:
            raise InvalidInput(f"expected 5 columns, got {len(parts)}", field=f"{name}:{number}")
        text, mood, topics, buys, intent = parts
        named = frozenset(topics.split(",")) - {"-"}
        if mood not in MOODS or not named <= set(TOPICS) or buys not in BUYS or intent not in INTENTS:
            raise InvalidInput(f"expected known labels, got {parts[1:]}", field=f"{name}:{number}")
        seeds.append(Seed(text, mood, named, buys, intent))
    return seeds


def mood_targets(seeds: list[Seed]) -> NDArray[np.int64]:
    """Index into `MOODS`, shape (n,)."""
    return np.array([MOODS.index(seed.mood) for seed in seeds], dtype=np.int64)


def topic_targets(seeds: list[Seed]) -> NDArray[np.int64]:
    """0 or 1 of each of `TOPICS`, shape (n, 8)."""
    return np.array([[int(topic in seed.topics) for topic in TOPICS] for seed in seeds], dtype=np.int64)


def buys_targets(seeds: list[Seed]) -> NDArray[np.int64]:
    """Index into `BUYS`, shape (n,)."""
    return np.array([BUYS.index(seed.buys) for seed in seeds], dtype=np.int64)


def intent_targets(seeds: list[Seed]) -> NDArray[np.int64]:
    """Index into `INTENTS`, shape (n,)."""
    return np.array([INTENTS.index(seed.intent) for seed in seeds], dtype=np.int64)
