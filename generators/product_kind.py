"""What kind of thing a product is, told by the words of its title and category."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from generators.brief import Brief
from generators.chinese_name import chinese_names
from generators.data import load_toml

_OTHER, _GENERAL = "other", "general"


@dataclass(frozen=True, slots=True)
class ProductKind:
    """One entry of `data/kinds_{language}.toml`.

    Attributes:
        name: Its name; `other` where no word fits.
        scenes: First halves of a hook.
        lines: Tone → second halves.
        alone: Whether the kind is regulated and takes no general phrases.
    """

    name: str
    scenes: tuple[str, ...]
    lines: dict[str, tuple[str, ...]]
    alone: bool

    @classmethod
    def of(cls, brief: Brief) -> ProductKind:
        """Return the kind of a brief's product.

        A regulated kind wins. Otherwise the name decides before the category, and in it the word that ends last, since
        both languages put the head of a name at its end: "face cream brush" is a brush, 面霜套装盒 no mask.
        """
        product = brief.product
        head = _head(product.title, product.brand, brief.language)
        kinds = _patterns(brief.language)
        regulated = [name for name, (pattern, alone) in kinds.items() if alone and pattern.search(product.title)]
        if regulated:
            return kind_named(regulated[0], brief.language)
        # A category names its main thing first: "Kitchen, Garden & Pets".
        for text, sign in ((head, 1), (product.category, -1), (product.title, 1)):
            ends = {
                name: max((sign * match.end(), match.end() - match.start()) for match in found)
                for name, (pattern, _) in kinds.items()
                if (found := list(pattern.finditer(text)))
            }
            if ends:
                return kind_named(max(ends, key=lambda name: ends[name]), brief.language)
        return kind_named(_OTHER, brief.language)


@cache
def kind_named(name: str, language: str) -> ProductKind:
    """Return a kind by its name."""
    row: dict[str, Any] = load_toml(f"kinds_{language}.toml")[name]
    tones = {key: tuple(value) for key, value in row.items() if key not in ("words", "scenes", "openings", "alone")}
    return ProductKind(name, tuple(row.get("scenes", row.get("openings", ()))), tones, bool(row.get("alone", False)))


def general_phrases(language: str) -> ProductKind:
    """Return the phrases that fit every kind that is not regulated."""
    return kind_named(_GENERAL, language)


def ends_in_thing(text: str, language: str) -> bool:
    """Say whether a text ends in a word that tells a kind of product."""
    return any(
        match.end() == len(text) for pattern, _ in _patterns(language).values() for match in pattern.finditer(text)
    )


def _head(title: str, brand: str, language: str) -> str:
    """Return the part of a title that names the thing."""
    if language == "zh":
        return next(iter(chinese_names(re.sub("【[^】]*】", " ", title), brand)), title)
    return re.split(r"\s+-\s+|,|\bfor\b|\bwith\b|[(\[]", title)[0] or title


@cache
def _patterns(language: str) -> dict[str, tuple[re.Pattern[str], bool]]:
    return {
        name: (re.compile("|".join(f"(?:{word})" for word in row["words"]), re.IGNORECASE), bool(row.get("alone")))
        for name, row in load_toml(f"kinds_{language}.toml").items()
        if row.get("words")
    }
