"""A grammar of opening lines by kind of product and tone: a scene, and a line that follows it."""

from __future__ import annotations

import hashlib
from functools import cache
from math import gcd

from generators.brief import Brief
from generators.product_kind import ProductKind, general_phrases, kind_named

GRAMMAR_VERSION = "template-2"


def grammar_hook(brief: Brief, tone: str, index: int, seed: int) -> str:
    """Return one opening line.

    Args:
        brief: What the copy is about.
        tone: One of `generators.brief.TONES`.
        index: Number of the variant: the variants of one brief walk through all pairs before one comes again, and
            neighbours share neither scene nor line.
        seed: Equal seeds give equal lines.
    """
    pairs = hook_pairs(ProductKind.of(brief).name, brief.language, tone)
    digest = hashlib.blake2b(f"{seed}/{brief.id}/{tone}".encode(), digest_size=8).digest()
    start = int.from_bytes(digest)
    # A stride that shares no divisor with the number of pairs visits each of them once.
    stride = _stride(len(pairs), start // len(pairs))
    scene, line = pairs[(start + index * stride) % len(pairs)]
    return f"{scene}{line}"


@cache
def hook_pairs(kind: str, language: str, tone: str) -> tuple[tuple[str, str], ...]:
    """Return every pair of a scene and a line that the grammar may join."""
    own, general = kind_named(kind, language), general_phrases(language)
    pairs = [(scene, line) for scene in own.scenes for line in own.lines[tone]]
    if not own.alone:
        pairs += [(scene, line) for scene in own.scenes for line in general.lines[tone]]
        pairs += [(opening, line) for opening in general.scenes for line in own.lines[tone]]
    return tuple(pairs)


def _stride(size: int, wish: int) -> int:
    """Return a step near five eighths of the size, moved by `wish`, that is coprime with it."""
    candidates = [step for step in range(1, size + 1) if gcd(step, size) == 1]
    return candidates[(len(candidates) * 5 // 8 + wish % 3) % len(candidates)]
