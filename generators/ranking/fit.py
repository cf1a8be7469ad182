"""Brief fit: whether a hook speaks of the brief's product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from generators.candidate import Candidate
from generators.embeddings.embedder import Embedder


class BriefFit:
    """Cosine of the hook and of the product's title and category under one embedder."""

    name = "fit"

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.version = embedder.name

    def score(self, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Return cosines, shape (n,); NaN in a language that the embedder does not know."""
        scores = np.full(len(candidates), np.nan)
        able = [i for i, item in enumerate(candidates) if item.brief.language in self._embedder.languages]
        if able:
            hooks = self._embedder.embed([candidates[i].text for i in able])
            products = [candidates[i].brief.product for i in able]
            about = self._embedder.embed([f"{product.category}. {product.title}" for product in products])
            scores[able] = np.einsum("nd,nd->n", hooks, about, dtype=np.float64)
        return scores
