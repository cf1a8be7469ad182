"""Names under which a product may appear in copy."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generators.brief import Brief

_BRACKETED = re.compile(r"【[^】]*】|\[[^\]]*\]|（[^）]*）|\([^)]*\)|《[^》]*》")
_MARKS = re.compile("[®™©]")
# A figure that reads as part of the offer may not hide in a name.
_READS_AS_OFFER = re.compile(
    r"[%$€£₹¥￥％折元円]|\bRs\b|\boff\b|双\d|11[.\-]11|预售|包邮|特价|秒杀|聚划算|\bsale\b|\bfree\b", re.I
)


@dataclass(frozen=True, slots=True)
class ProductNames:
    """Names from full to short, each a run of words of the catalogue's own fields.

    Attributes:
        all: Distinct names, the fullest first; may be empty.
        brand: The brand, or empty where it could be read as a figure of the offer.
    """

    all: tuple[str, ...]
    brand: str = ""

    @classmethod
    def of(cls, brief: Brief) -> ProductNames:
        """Derive the names; what stands in brackets is a shop's note and is dropped.

        A name is cut between words only, so that a measure such as "500 mg" stays whole or goes.
        """
        product = brief.product
        title = " ".join(_MARKS.sub("", _BRACKETED.sub(" ", product.title)).split())
        names = [title] if title else []
        names += _prefixes(title, r"\s+-\s+|,\s+|\s*[|]\s*")
        if brief.language == "zh":
            names += _prefixes(title, r"\s+")
        category = " ".join(product.category.split())
        names += [category] if category else []
        usable = [name for name in names if _is_usable(name)]
        brand = " ".join(product.brand.split())
        return cls(tuple(dict.fromkeys(usable)), brand if _is_usable(brand) else "")

    def fitting(self, longest: int) -> str:
        """Return the fullest name of at most so many characters, or "" where none fits."""
        return next((name for name in self.all if len(name) <= longest), "")


def _prefixes(title: str, separator: str) -> list[str]:
    """Return what stands before each separator, the longest first."""
    ends = [match.start() for match in re.finditer(separator, title)]
    return [title[:end].strip() for end in reversed(ends)]


def _is_usable(name: str) -> bool:
    return any(character.isalpha() for character in name) and not _READS_AS_OFFER.search(name)
