"""Room between the variants of a brief: two that say nearly the same teach the bandit nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.embeddings.chargram import ChargramEmbedder
from generators.embeddings.embedder import Embedder

# Wide enough that n-grams of two short hooks seldom share a column by chance.
_DIMENSION = 1024


class Diversity:
    """Picks, again and again, the best candidate less its likeness to what was picked before.

    Source: Carbonell, Goldstein (1998), "The use of MMR, diversity-based reranking for reordering documents", with the
    likeness as a penalty in units of the score.
    """

    def __init__(self, embedder: Embedder | None = None, *, penalty: float = 1.0, most_alike: float = 0.9) -> None:
        """Set how much room there has to be.

        Args:
            embedder: Measures likeness by cosine; hashed character n-grams unless given.
            penalty: Score that a cosine of 1 costs, at least 0.
            most_alike: Cosine from which two hooks are the same thing said twice, in (0, 1].
        """
        self._embedder = embedder or ChargramEmbedder(_DIMENSION)
        self._penalty, self._most_alike = penalty, most_alike

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vectors by which likeness is measured, shape (n, d)."""
        return self._embedder.embed(texts)

    def best(
        self, totals: NDArray[np.float64], vectors: NDArray[np.float32], picked: NDArray[np.float32]
    ) -> int | None:
        """Return the number of the choice to pick next, or None where each is too much like one that was picked.

        Args:
            totals: Scores of the choices, shape (n,); the earlier one is picked where two are equal.
            vectors: Their vectors, shape (n, d).
            picked: Vectors of what was picked before, shape (m, d).
        """
        likeness = np.zeros(len(totals))
        if len(picked):
            likeness = np.clip(vectors @ picked.T, 0.0, 1.0).max(axis=1).astype(np.float64)
        value = np.where(likeness < self._most_alike, totals - self._penalty * likeness, -np.inf)
        first = int(np.argmax(value))
        return first if np.isfinite(value[first]) else None
