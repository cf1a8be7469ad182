"""What the heads see of a comment: an encoder's vector beside what word lists and patterns say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generators.embeddings import ChargramEmbedder, Embedder
from generators.feedback.cues import TOPICS, cues
from generators.feedback.lexicon import lexicon

_CHARGRAM = 256
_OF_LEXICON = 8
_SILENT = 4
_SPOKEN = 0.2
_VERSION = 2


class OpinionFeatures:
    """Columns: the encoder's d, then the lexicon's eight, then 0 / 1 of each pattern, topics first."""

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

    def seen_by(self, head: str, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Leave of vectors what a head may go by; the rest is 0.

        Mood goes by the lexicon and signs of what is wanted, not by what is spoken of, and where the lexicon knows a
        word the encoder counts a fifth. Topics go by their own patterns alone.
        """
        if not self._lists:
            return vectors
        seen = vectors.copy()
        d = self.encoder.dimension
        topics = slice(d + _OF_LEXICON, d + _OF_LEXICON + len(TOPICS))
        if head == "mood":
            seen[:, topics] = 0.0
            seen[:, :d] *= np.where(vectors[:, d + _SILENT, None] > 0, 1.0, _SPOKEN)
        elif head == "topics":
            seen[:, d : d + _OF_LEXICON] = 0.0
            seen[:, topics.stop :] = 0.0
        return seen

    def _listed(self, text: str) -> list[float]:
        mood = lexicon(self._language).mood(text)
        both = min(mood.positive, -mood.negative)
        last = mood.words[-1].valence if mood.words else 0.0
        own = [
            mood.mood,
            np.tanh(mood.positive / 3),
            np.tanh(mood.negative / 3),
            np.tanh(both),
            float(not mood.words),
            float(mood.asks),
            abs(mood.mood),
            np.tanh(last / 2),
        ]
        return [*map(float, own), *cues(self._language).marks(text)]
