"""What bad copy looks like, word by word: hashed word pairs and triples, and counts of what should not be there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_TOKEN = re.compile(r"[a-z]+(?:['’][a-z]+)*|[\u3400-\u9fff]|\d+|[^\w\s]", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[a-z]", re.IGNORECASE)
_COUNTS = 10
_SHORT = 3


class PhraseFeatures:
    """Columns: the mean of hashed pairs and triples of neighbouring tokens, then ten counts.

    Short words stand for themselves, longer ones for their ending, so that what is learned is how words follow each
    other and not what they speak of. Chinese goes by character. The counts: repeated tokens and pairs, the same token
    twice in a row, letters of the other script, an end on a little word or a comma, no end at all, words without a
    vowel, unpaired brackets and quotes, and length.
    """

    languages = frozenset({"en", "zh"})

    def __init__(self, hashed: int = 502) -> None:
        self._hashed = hashed
        self.dimension = hashed + _COUNTS
        self.name = f"phrases-{self.dimension}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors, shape (n, dimension); not of unit length."""
        rows = np.zeros((len(texts), self.dimension))
        for row, text in zip(rows, texts, strict=True):
            tokens = [m.group() for m in _TOKEN.finditer(text)]
            kinds = ["^", *(_kind(token) for token in tokens), "$"]
            grams = ["\1".join(pair) for pair in pairwise(kinds)] + [
                "\1".join(t) for t in zip(kinds, kinds[1:], kinds[2:], strict=False)
            ]
            for gram in grams:
                column, sign = _slot(gram, self._hashed)
                row[column] += sign
            row[: self._hashed] *= 3.0 / max(np.sqrt(len(grams)), 1.0)
            row[self._hashed :] = _counts(text, tokens, kinds)
        return rows.astype(np.float32)


def _kind(token: str) -> str:
    plain = token.lower().replace("’", "'")
    if plain.isdigit():
        return "0"
    return plain if len(plain) <= _SHORT or not plain[0].isascii() else f"~{plain[-3:]}"


def _counts(text: str, tokens: list[str], kinds: list[str]) -> list[float]:
    words = [token.lower() for token in tokens if token[0].isalnum()]
    n = max(len(words), 1)
    pairs = list(pairwise(words))
    han, latin = len(_HAN.findall(text)), len(_LATIN.findall(text))
    latin_words = [word for word in words if word[0].isascii() and word.isalpha()]
    last = words[-1] if words else ""
    closing = text.rstrip()[-1:]
    return [
        4.0 * (1.0 - len(set(words)) / n),
        4.0 * (1.0 - len(set(pairs)) / max(len(pairs), 1)),
        float(sum(a == b for a, b in pairs)),
        4.0 * min(han, latin) / max(han + latin, 1),
        float(last.isascii() and last.isalpha() and len(last) <= _SHORT and closing.isalnum()),
        float(closing in ",;:-–(，、；：（"),
        float(closing not in ".!?。！？…\"'”’*)）"),
        4.0 * sum(len(w) > 2 and not set(w) & set("aeiouy") for w in latin_words) / max(len(latin_words), 1),
        float(text.count("(") != text.count(")") or text.count("“") != text.count("”") or text.count('"') % 2),
        float(np.log1p(len(kinds)) / 4.0),
    ]


@lru_cache(maxsize=1 << 17)
def _slot(gram: str, size: int) -> tuple[int, int]:
    value = int.from_bytes(blake2b(gram.encode(), digest_size=8).digest(), "little")
    return (value >> 1) % size, 1 if value & 1 else -1
