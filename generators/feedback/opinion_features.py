"""What the heads see of a comment: an encoder's vector beside what word lists and patterns say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generators.embeddings import ChargramEmbedder, Embedder
from generators.feedback.cues import cues
from generators.feedback.lexicon import lexicon

_CHARGRAM = 256
_OF_LEXICON = 5
_VERSION = 1


class OpinionFeatures:
    """Columns: the encoder's d, then the lexicon's five, then 0 / 1 of each pattern."""

    def __init__(self, language: str, encoder: Embedder | None = None, *, lists: bool = True) -> None:
        """Choose what stands in a vector.

        Args:
            language: `en` or `zh`.
            encoder: Of the texts; hashed character n-grams by default.
            lists: Whether word lists and patterns enter; without, the encoder stands alone.
        """
        self._language, self._lists = language, lists
        self.encoder: Embedder = encoder or ChargramEmbedder(_CHARGRAM)
        self.languages = frozenset({language})
        self.listed = _OF_LEXICON + cues(language).size if lists else 0
        self.dimension = self.encoder.dimension + self.listed
        self.name = f"{self.encoder.name}-{language}-opinion{_VERSION}" if lists else self.encoder.name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors, shape (n, dimension)."""
        vectors = self.encoder.embed(texts)
        if not self._lists:
            return vectors
        return np.concatenate([vectors, [self._listed(text) for text in texts]], axis=1, dtype=np.float32)

    def _listed(self, text: str) -> list[float]:
        mood = lexicon(self._language).mood(text)
        both = min(mood.positive, -mood.negative)
        own = [mood.mood, np.tanh(mood.positive / 3), np.tanh(mood.negative / 3), np.tanh(both), float(not mood.words)]
        return [*map(float, own), *cues(self._language).marks(text)]
