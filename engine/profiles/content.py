"""Texts → vectors in which similar things are near each other, in any language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer

_BUCKETS = 1 << 16
_MOST_TEXTS = 50_000
_BLOCK = 50_000
_NOTHING = 1e-6


@dataclass(frozen=True, slots=True)
class ContentModel:
    """Latent semantic analysis of character n-grams: TF-IDF of hashed n-grams, reduced by a truncated SVD.

    N-grams of two to four characters within words need no tokenizer: they are most words of Chinese, and stems of
    English. Products, searches and copy go through the same model, so that they are comparable.

    Attributes:
        idf: Inverse document frequency of each bucket; shape (2**16,).
        components: Shape (d, 2**16), float32; rows of zeros where the texts have fewer dimensions.
        mean: What all products have in common, taken off; shape (d,).

    Source: Deerwester et al. (1990), Indexing by latent semantic analysis. Taking off the mean as in Mu & Viswanath
    (2018), All-but-the-top, arXiv:1702.01417.
    """

    idf: NDArray[np.float32]
    components: NDArray[np.float32]
    mean: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str], dimension: int, seed: int, weights: NDArray[np.float64]) -> ContentModel:
        """Learn from the texts of products.

        Args:
            texts: One a product.
            dimension: Of the vectors.
            seed: Of the randomized SVD, and of the sample of 50,000 that is learned from where there are more.
            weights: How often each is met; what the mean is taken over. Shape (n,).
        """
        rng = np.random.default_rng(seed)
        distinct = sorted(set(texts))
        if len(distinct) > _MOST_TEXTS:
            distinct = [distinct[i] for i in np.sort(rng.choice(len(distinct), _MOST_TEXTS, replace=False))]
        counts = _counts(distinct)
        seen = np.bincount(counts.indices, minlength=_BUCKETS)
        idf = (np.log((1 + len(distinct)) / (1 + seen)) + 1).astype(np.float32)
        components = np.zeros((dimension, _BUCKETS), dtype=np.float32)
        rank = min(dimension, len(distinct) - 1)
        if rank > 0:
            svd = TruncatedSVD(rank, random_state=seed).fit(_weighted(counts, idf))
            components[:rank] = svd.components_
        raw = cls(idf, components, np.zeros(dimension, dtype=np.float32))
        if not distinct:
            return raw
        place = {text: row for row, text in enumerate(distinct)}
        weight = np.bincount([place.get(text, 0) for text in texts], weights + 1e-9, len(distinct))
        return cls(idf, components, np.average(raw._projected(distinct), axis=0, weights=weight).astype(np.float32))

    @property
    def dimension(self) -> int:
        """Of the vectors."""
        return len(self.components)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors; zeros for a text of which nothing is known. Shape (n, d)."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        # Products of a taxonomy share texts.
        place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        distinct = list(place)
        found = np.zeros((len(distinct), self.dimension), dtype=np.float32)
        for start in range(0, len(distinct), _BLOCK):
            projected = self._projected(distinct[start : start + _BLOCK])
            known = np.linalg.norm(projected, axis=1) > _NOTHING
            found[start : start + _BLOCK][known] = unit(projected[known] - self.mean)
        return found[[place[text] for text in texts]]

    def _projected(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.asarray(_weighted(_counts(texts), self.idf) @ self.components.T, dtype=np.float32)


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows at length 1; those of (nearly) no length become zeros."""
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(length > _NOTHING, rows / np.maximum(length, _NOTHING), 0.0).astype(np.float32)


def _counts(texts: Sequence[str]) -> csr_matrix:
    """Hashed n-grams; log(1 + count) of each."""
    hashing = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=_BUCKETS, norm=None, alternate_sign=False, dtype=np.float32
    )
    counts = csr_matrix(hashing.transform(texts)) if texts else csr_matrix((0, _BUCKETS), dtype=np.float32)
    counts.data = np.log1p(counts.data)
    return counts


def _weighted(counts: csr_matrix, idf: NDArray[np.float32]) -> csr_matrix:
    """TF-IDF at length 1."""
    weighted = counts.multiply(idf).tocsr()
    length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    weighted.data /= np.repeat(np.maximum(length, 1e-12), np.diff(weighted.indptr)).astype(np.float32)
    return csr_matrix(weighted, dtype=np.float32)
