"""Ways in which generated copy goes wrong, made from good copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

_PIECE = re.compile(r"[A-Za-z0-9'’]+|[\u3400-\u9fff]|[^\w\s]|\s+")
_FOREIGN = {
    "en": ("优惠", "现在购买", "质量很好", "快来看看", "新品", "喜欢"),
    "zh": ("the best", "buy now", "quality", "and the", "your home", "is very"),
}

Corruption = Callable[[str, Sequence[str], np.random.Generator, str], str]


def shuffled(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Move the words about."""
    words = _words(text, language)
    return _joined([words[i] for i in draw.permutation(len(words))], language)


def cut_off(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Stop in the middle, as a model does at its last token."""
    words = _words(text, language)
    keep = int(draw.integers(max(len(words) // 3, 1), max(len(words) - 1, 2)))
    kept = _joined(words[:keep], language).rstrip(".!?。！？")
    return kept[:-2] if len(kept) > 6 and draw.random() < 0.4 else kept


def repeated(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Say a few words again, once to three times."""
    words = _words(text, language)
    start = int(draw.integers(0, max(len(words) - 1, 1)))
    piece = words[start : start + int(draw.integers(1, 5))]
    times = int(draw.integers(1, 4))
    return _joined([*words[: start + len(piece)], *piece * times, *words[start + len(piece) :]], language)


def swapped(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:
    """Put words of another text in the place of long words, as where a product's nouns are mixed up."""
    words, foreign = _words(text, language), _words(others[int(draw.integers(len(others)))], language)
    long = [i for i, word in enumerate(words) if len(word) > 3 or language == "zh"]
    count = max(len(words) // 3, 2)
    for place in draw.permutation(long)[:count]:
        words[place] = foreign[int(draw.integers(len(foreign)))]
    return _joined(words, language)


def mixed(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Put words of the other language in."""
    words = _words(text, language)
    for _ in range(int(draw.integers(1, 3))):
        words.insert(
            int(draw.integers(len(words) + 1)), _FOREIGN[language][int(draw.integers(len(_FOREIGN[language])))]
        )
    return _joined(words, language)


def dropped(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Leave the little words out; in Chinese every fourth character."""
    words = _words(text, language)
    kept = [w for i, w in enumerate(words) if (len(w) > 3 if language == "en" else draw.random() > 0.25 or i == 0)]
    return _joined(kept or words[:1], language)


def misspelt(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Exchange neighbouring letters within several words."""
    words = _words(text, language)
    places = [i for i, word in enumerate(words) if len(word) > 3 or language == "zh"]
    for place in draw.permutation(places)[: max(len(places) // 3, 1)]:
        word = words[place]
        if language == "zh" and place + 1 < len(words):
            words[place], words[place + 1] = words[place + 1], word
        elif len(word) > 3:
            i = int(draw.integers(1, len(word) - 2))
            words[place] = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return _joined(words, language)


def turned(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:  # noqa: ARG001
    """Begin in the middle and end with the beginning."""
    words = _words(text, language)
    at = int(draw.integers(1, max(len(words), 2)))
    return _joined(words[at:] + words[:at], language)


def stitched(text: str, others: Sequence[str], draw: np.random.Generator, language: str) -> str:
    """Go on with the second half of another text."""
    words, other = _words(text, language), _words(others[int(draw.integers(len(others)))], language)
    return _joined(words[: max(len(words) // 2, 1)] + other[len(other) // 2 :], language)


TRAINED: dict[str, Corruption] = {
    "shuffled": shuffled,
    "cut_off": cut_off,
    "repeated": repeated,
    "swapped": swapped,
    "mixed": mixed,
}
"""Kinds that quality heads are trained on."""

UNSEEN: dict[str, Corruption] = {"dropped": dropped, "misspelt": misspelt, "turned": turned, "stitched": stitched}
"""Kinds that are only measured: whether what was learned goes beyond the kinds in training."""


def _words(text: str, language: str) -> list[str]:
    pieces = [m.group() for m in _PIECE.finditer(text)]
    return pieces if language == "zh" else text.split()


def _joined(words: Sequence[str], language: str) -> str:
    return "".join(words) if language == "zh" else " ".join(words)
