"""Which regulated kind of product a brief is about."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from generators.brief import Brief
from generators.data import load_toml
from generators.verification.folding import folded


def regulated_groups(brief: Brief) -> frozenset[str]:
    """Return the groups of `data/regulated.toml` whose words stand in the product's category or title."""
    return _groups(f"{brief.product.category} | {brief.product.title}")


@lru_cache(maxsize=1024)
def _groups(text: str) -> frozenset[str]:
    plain = folded(text)
    return frozenset(name for name, pattern in _patterns().items() if pattern.search(plain))


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {
        name: re.compile("|".join(f"(?:{p})" for p in group["words"]), re.IGNORECASE)
        for name, group in load_toml("regulated.toml").items()
    }
