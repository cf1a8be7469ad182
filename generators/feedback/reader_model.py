"""Reads the opinions out of comments of one language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.embeddings import ChargramEmbedder, Embedder, EncoderEmbedder
from generators.feedback.cues import BUYS, INTENTS, TOPICS, Span, cues
from generators.feedback.opinion import Opinion
from generators.feedback.opinion_features import OpinionFeatures
from generators.feedback.packaged import PACKAGED, packaged_heads
from generators.feedback.seeds import (
    MOODS,
    Seed,
    buys_targets,
    intent_targets,
    mood_targets,
    read_seeds,
    topic_targets,
)
from generators.texts.head import LogisticHead
from generators.texts.pooling import fit_pooled

HEADS = ("mood", "topics", "buys", "intent")
_TOPIC_FROM = 0.5
_DEFAULT_ENCODER = ChargramEmbedder(256).name
_WEIGHTS = {True: 0.4, False: 0.7}
_TEMPERATURES = {"mood": 1.8}
_CLAUSE = re.compile(r"[^.,;:!?。，；：！？、\n]+")


@dataclass(frozen=True, slots=True, eq=False)
class OpinionModel:
    """Four heads on the same features of a comment."""

    language: str
    features: OpinionFeatures
    heads: dict[str, LogisticHead]

    @classmethod
    def packaged(cls, language: str, encoder: str = "chargram") -> OpinionModel:
        """Return a model that comes with this package; on `chargram` it needs numpy alone.

        Args:
            language: `en` or `zh`.
            encoder: `chargram`, or for English `minilm`.

        Raises:
            InvalidInput: There is none for the language.
        """
        return _packaged(language, encoder)

    @classmethod
    def trained(
        cls, language: str, encoder: Embedder | None = None, seeds: list[Seed] | None = None, *, lists: bool = True
    ) -> OpinionModel:
        """Train the heads on seeds, those of this package by default; needs scikit-learn.

        Args:
            language: `en` or `zh`.
            encoder: Of the texts; hashed character n-grams by default.
            seeds: Sentences with labels.
            lists: Whether word lists and patterns enter beside the encoder.
        """
        features = OpinionFeatures(language, encoder, lists=lists)
        seeds = read_seeds(f"seed_{language}.tsv") if seeds is None else seeds
        vectors = features.embed([seed.text for seed in seeds])
        parts = [size for size in (features.encoder.dimension, features.listed) if size]
        weights = [_WEIGHTS[features.encoder.name == _DEFAULT_ENCODER], 1.0] if lists else [1.0]
        wanted = {
            "mood": (mood_targets(seeds), MOODS),
            "topics": (topic_targets(seeds), TOPICS),
            "buys": (buys_targets(seeds), BUYS),
            "intent": (intent_targets(seeds), INTENTS),
        }
        heads = {}
        for name, (targets, labels) in wanted.items():
            seen = features.seen_by(name, vectors)
            head = fit_pooled(seen, parts, targets, labels, several=name == "topics", weights=weights)
            heads[name] = replace(head, temperature=_TEMPERATURES.get(name, 1.2))
        return cls(language, features, heads)

    def read(self, texts: Sequence[str]) -> list[Opinion]:
        """Read comments of this model's language."""
        if not texts:
            return []
        vectors = self.features.embed(texts)
        p = {name: head.probabilities(self.features.seen_by(name, vectors)) for name, head in self.heads.items()}
        return [
            self._opinion(text, {name: values[row] for name, values in p.items()}) for row, text in enumerate(texts)
        ]

    def _opinion(self, text: str, p: dict[str, NDArray[np.float64]]) -> Opinion:
        topics = {name: float(v) for name, v in zip(TOPICS, p["topics"], strict=True) if v >= _TOPIC_FROM}
        no, maybe, yes = (float(v) for v in p["buys"])
        moods = dict(zip(MOODS, map(float, p["mood"]), strict=True))
        return Opinion(
            language=self.language,
            mood=moods["positive"] - moods["negative"],
            moods=moods,
            topics=topics or {"other": 1.0 - float(p["topics"].max())},
            evidence=self._evidence(text, list(topics)),
            buys=min(yes + maybe / 2, 1.0 - no / 2),
            intent=INTENTS[int(p["intent"].argmax())],
            intents=dict(zip(INTENTS, map(float, p["intent"]), strict=True)),
        )

    def _evidence(self, text: str, topics: list[str]) -> dict[str, tuple[Span, ...]]:
        """Find the words of each topic; where no pattern has any, the clause that alone speaks most of it."""
        found = cues(self.language).topics(text)
        evidence = {topic: tuple(found[topic]) for topic in topics if topic in found}
        rest = [topic for topic in topics if topic not in found]
        clauses = [m for m in _CLAUSE.finditer(text) if m.group().strip()] if rest else []
        if clauses:
            vectors = self.features.embed([m.group() for m in clauses])
            alone = self.heads["topics"].logits(self.features.seen_by("topics", vectors))
            for topic in rest:
                best = clauses[int(alone[:, TOPICS.index(topic)].argmax())]
                start = best.start() + len(best.group()) - len(best.group().lstrip())
                evidence[topic] = (Span(start, best.start() + len(best.group().rstrip())),)
        return evidence


@cache
def _packaged(language: str, encoder: str) -> OpinionModel:
    if (language, encoder) not in PACKAGED:
        known = ", ".join(" on ".join(pair) for pair in PACKAGED)
        raise InvalidInput(f"expected one of {known}, got {language} on {encoder}", field="language")
    features = OpinionFeatures(language, EncoderEmbedder.minilm() if encoder == "minilm" else None)
    heads = packaged_heads(language, encoder, features.name)
    if missing := [name for name in HEADS if name not in heads]:
        raise InvalidInput(f"expected heads {', '.join(missing)}; run make feedback-heads", field="language")
    return OpinionModel(language, features, heads)
