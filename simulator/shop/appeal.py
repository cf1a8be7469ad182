"""What is true of a variant, derived from its facts, so that copy from a file has a truth as well."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.variant import Variant
from simulator.arrays import FloatArray

__all__ = ["Appeal"]

_OF_CATEGORY = 0.8
_OF_COPY = 0.6
_SEEN_QUALITY = 0.8
_OWN_QUALITY = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class Appeal:
    """The truth about all variants; v of them.

    Attributes:
        directions: Shape (v, tastes), unit norm: which taste a variant meets. Most of it is its category's, the rest
            a linear image of its embedding.
        quality: Shape (v,), about standard normal: what all shoppers see alike. Part of it goes with tone and price
            band; the rest no feature shows but the variant's id.
        discount: Shape (v,), share taken off the price.
    """

    directions: FloatArray
    quality: FloatArray
    discount: FloatArray

    @classmethod
    def of(cls, variants: Sequence[Variant], tastes: int, seed: int) -> Appeal:
        """Derive the truth; the same variant and seed give the same, whatever stands beside it."""
        directions = [_direction(variant, tastes, seed) for variant in variants]
        quality = [_quality(variant, seed) for variant in variants]
        discount = [min(max(float(variant.offer.get("percent", 0.0) or 0.0), 0.0), 100.0) for variant in variants]
        # Files state per cent, made-up copy a share.
        return cls(np.array(directions), np.array(quality), np.array([d / 100 if d > 1 else d for d in discount]))


def _direction(variant: Variant, tastes: int, seed: int) -> FloatArray:
    centre = _unit(_normals(seed, "category", variant.category, tastes))
    own = np.zeros(tastes)
    if variant.embedding:
        embedding = np.array(variant.embedding)
        image = _normals(seed, "copy", str(len(embedding)), tastes * len(embedding)).reshape(tastes, -1)
        own = _unit(image @ embedding)
    return _unit(_OF_CATEGORY * centre + _OF_COPY * own)


def _quality(variant: Variant, seed: int) -> float:
    facts = (f"tone={variant.features.get('tone', '')}", f"price_band={variant.price_band}")
    seen = sum(float(_normals(seed, "fact", fact, 1)[0]) for fact in facts) / np.sqrt(len(facts))
    own = float(_normals(seed, "variant", str(variant.id), 1)[0])
    return _SEEN_QUALITY * seen + _OWN_QUALITY * own


def _normals(seed: int, domain: str, name: str, count: int) -> FloatArray:
    digest = hashlib.blake2b(f"{seed}\0{domain}\0{name}".encode(), digest_size=16).digest()
    return np.random.default_rng(int.from_bytes(digest, "little")).standard_normal(count)


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))
