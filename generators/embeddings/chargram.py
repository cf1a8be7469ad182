"""Hashed character n-grams: an embedding for any language, without a model."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput


class ChargramEmbedder:
    """Counts n-grams of 1 to 4 characters into hashed columns with hashed signs.

    Counts enter as 1 + log(count), longer n-grams weigh more, and the vector has unit length, so the dot product of
    two texts estimates the cosine of their n-gram profiles.

    Source: Weinberger, Dasgupta, Langford, Smola, Attenberg (2009), "Feature hashing for large scale multitask
    learning", equation 1 (signed hashing keeps inner products unbiased).
    """

    languages = frozenset({"en", "zh"})

    def __init__(self, dimension: int = 64) -> None:
        if not 8 <= dimension <= 4096:
            raise InvalidInput(f"expected 8-4096, got {dimension}", field="dimension")
        self.dimension = dimension
        self.name = f"chargram-{dimension}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors, shape (n, dimension); a text without letters or digits is the first unit vector."""
        rows = np.zeros((len(texts), self.dimension), dtype=np.float64)
        for row, text in zip(rows, texts, strict=True):
            for gram, count in _grams(text).items():
                column, sign = _slot(gram, self.dimension)
                row[column] += sign * len(gram) * (1 + np.log(count))
            if not row.any():
                row[0] = 1.0
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _grams(text: str) -> Counter[str]:
    """Return the n-grams of the text's words; a word's edges count as characters, except for Chinese."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(c if c.isalnum() else " " for c in plain).split()
    grams: Counter[str] = Counter()
    for word in words:
        chinese = any("\u3400" <= c <= "\u9fff" for c in word)
        padded, sizes = (word, (1, 2, 3)) if chinese else (f" {word} ", (2, 3, 4))
        for size in sizes:
            grams.update(padded[i : i + size] for i in range(len(padded) - size + 1))
    return grams


@lru_cache(maxsize=1 << 16)
def _slot(gram: str, dimension: int) -> tuple[int, int]:
    """Return the column and sign of an n-gram; stable over processes and versions of Python."""
    value = int.from_bytes(hashlib.blake2b(gram.encode(), digest_size=8).digest(), "little")
    return (value >> 1) % dimension, 1 if value & 1 else -1
