"""Tells whole, fluent copy from broken copy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import CorruptState, InvalidInput
from generators.embeddings import Embedder
from generators.texts.classifier import Classifier, TextClassifier
from generators.texts.corruptions import TRAINED, Corruption
from generators.texts.head import LogisticHead
from generators.texts.phrase_features import PhraseFeatures

LABELS = ("broken", "good")
SCHEMA = "armsreach.quality-head.v1"
PACKAGED = ("en", "zh")


@dataclass(frozen=True, slots=True, eq=False)
class QualityModel:
    """P(good) of copy in one language; it does not know the brief, so it cannot tell whether copy is to the point."""

    classifier: Classifier
    language: str

    @property
    def name(self) -> str:
        """Name that changes with the encoder."""
        return f"quality-{self.language}-{self.classifier.name}"

    @classmethod
    def packaged(cls, language: str = "en") -> QualityModel:
        """Return the head that comes with this package; it needs numpy alone.

        Raises:
            InvalidInput: There is none for the language.
        """
        return _packaged(language)

    @classmethod
    def trained(
        cls, good: Sequence[str], language: str, embedder: Embedder | None = None, *, seed: int = 0
    ) -> QualityModel:
        """Train on good copy and one corruption of each; a text and its corruption share a fold.

        Args:
            good: Copy that people wrote and others read.
            language: `en` or `zh`.
            embedder: Gives the vectors; phrase features by default.
            seed: Of corruptions and folds.
        """
        bad = corrupted(good, language, TRAINED, seed)
        texts = [*good, *bad]
        targets = np.repeat([1, 0], len(good))
        groups = [*range(len(good)), *range(len(good))]
        model = TextClassifier.trained(embedder or PhraseFeatures(), texts, targets, LABELS, groups=groups, seed=seed)
        return cls(model, language)

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give P(good), shape (n,); among as many good as broken texts."""
        if not texts:
            return np.zeros(0)
        return self.classifier.probabilities(texts)[:, LABELS.index("good")]


def corrupted(texts: Sequence[str], language: str, kinds: dict[str, Corruption], seed: int) -> list[str]:
    """Break each text in one way, the ways in turn; a way that leaves a text as it was gives way to the next."""
    draw = np.random.default_rng(seed)
    ways = list(kinds.values())
    broken = []
    for place, text in enumerate(texts):
        made = text
        for shift in range(3 * len(ways)):
            made = ways[(place + shift) % len(ways)](text, texts, draw, language)
            if made != text and made:
                break
        broken.append(made)
    return broken


@cache
def _packaged(language: str) -> QualityModel:
    if language not in PACKAGED:
        raise InvalidInput(f"expected one of {', '.join(PACKAGED)}, got {language!r}; train one", field="language")
    name = f"quality_{language}.json"
    document = json.loads(resources.files("generators.texts.data").joinpath(name).read_text(encoding="utf-8"))
    features = PhraseFeatures()
    if document["schema"] != SCHEMA or document["features"] != features.name:
        raise CorruptState(f"{name}: expected {SCHEMA} on {features.name}; run make quality-heads")
    return QualityModel(TextClassifier(features, LogisticHead.from_document(document["head"])), language)
