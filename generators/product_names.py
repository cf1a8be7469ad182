"""Names under which a product may appear in copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from generators.brief import Brief
from generators.chinese_name import chinese_names
from generators.product_kind import ends_in_thing

_BRACKETED = re.compile(r"【[^】]*】|\[[^\]]*\]|（[^）]*）|\([^)]*\)|《[^》]*》|「[^」]*」")
_MARKS = re.compile("[®™©℠]")
# A figure that reads as part of the offer may not hide in a name.
_READS_AS_OFFER = re.compile(
    r"[%$€£₹¥￥％折元円]|\bRs\b|\boff\b|双\d|11[.\-]11|预售|包邮|特价|秒杀|聚划算|\bsale\b|\bfree\b"
    r"|赠|减\d|领券|新人|新客|首单|new customer|first order",
    re.I,
)
_SMALL_WORDS = re.compile(r"(?<=\s)(?:For|With|And|Of|In|On|The|To|From|Or|By|A|An)(?=\s)")
_NO_THING = frozenset({"organic", "natural", "fresh", "premium", "special", "combo", "assorted", "powder", "whole"})
_PACK = re.compile(r"\s*[,-]?\s*\b(?:pack|set|combo) of \d+\b|\s*\bcombo(?: pack)?$", re.I)


@dataclass(frozen=True, slots=True)
class ProductNames:
    """Names from full to short, read out of the catalogue's own fields.

    Attributes:
        all: Distinct names, the fullest first; may be empty.
        brand: The brand, or empty where it could be read as a figure of the offer.
        title: The title as the catalogue has it without what stands in brackets; it may stand in copy verbatim.
    """

    all: tuple[str, ...]
    brand: str = ""
    title: str = ""

    @property
    def verbatim(self) -> tuple[str, ...]:
        """Everything whose letters and digits state nothing but the product's own name."""
        return tuple(words for words in (*self.all, self.title, self.brand) if words)

    @classmethod
    def of(cls, brief: Brief) -> ProductNames:
        """Derive the names; what stands in brackets is a shop's note and is dropped.

        An English name is cut between words only, so that a measure such as "500 mg" stays whole or goes.
        """
        product = brief.product
        return _names(product.title, product.brand, product.category, brief.language)

    def fitting(self, longest: int) -> str:
        """Return the fullest name of at most so many characters, or "" where none fits."""
        return next((name for name in self.all if len(name) <= longest), "")


@lru_cache(maxsize=8192)
def _names(raw_title: str, raw_brand: str, raw_category: str, language: str) -> ProductNames:
    title = " ".join(_MARKS.sub("", _BRACKETED.sub(" ", raw_title)).split())
    brand = " ".join(raw_brand.split())
    if not title:
        # All of it stood in brackets, as in "【娇兰】"; then the note is the title.
        title = " ".join(re.sub(r"[【】\[\]（）()《》「」]", " ", _MARKS.sub("", raw_title)).split())
    names = list(chinese_names(title, brand)) if language == "zh" else _english_names(title, brand)
    category = " ".join(raw_category.split())
    # A Chinese category is a word such as 面膜; an English one is a shelf, "Beauty & Hygiene".
    names += [category] if category and language == "zh" else []
    usable = [name for name in names if name and _is_usable(name)]
    return ProductNames(
        tuple(dict.fromkeys(usable)), brand if _is_usable(brand) else "", title if _is_usable(title) else ""
    )


def _english_names(title: str, brand: str) -> list[str]:
    """Return the title as a reader expects it, what stands before each comma, and the thing alone.

    "Water Bottle - Orange" is Water Bottle (Orange), "Oil - Gingelly" is Gingelly Oil; the last resort of "Organic
    Cold Pressed Coconut Oil" is Coconut Oil.
    """
    if brand and re.match(rf"{re.escape(brand)}\s+\w", title, re.IGNORECASE):
        title = title[len(brand) :].strip()
    plain = _SMALL_WORDS.sub(lambda match: match.group().lower(), title)
    plain = re.sub(r"\s*[|]\s*|\s*,\s*(?=\S)", ", ", plain)
    plain = re.sub(r"(?<=[A-Za-z])\s*/\s*(?=[A-Za-z])", "/", _PACK.sub("", plain)).strip(" ,-.;:&")
    head, *notes = re.split(r"\s+[-–]\s+", plain)
    note = ", ".join(notes)
    full = f"{head} ({note})" if note and len(note) <= 40 and "(" not in note else head
    if note and " " not in head and "," not in note:
        if head.casefold() in _NO_THING or ends_in_thing(note, "en"):
            full = head = note
        elif len(note.split()) <= 3 and ends_in_thing(head, "en"):
            full = head = f"{note} {head}"
    things = [head, note] if note else [head]
    return [full, head, *_prefixes(head, r",\s+"), *_prefixes(head, r"\s+(?:for|with)\s+"), *map(_thing_alone, things)]


def _thing_alone(head: str) -> str:
    """Return the last two words where they name a thing, and nothing of an enumeration."""
    words = re.split(r",|\s(?:for|with)\s", head)[0].split()
    if any(sign in words[-4:] for sign in ("&", "+", "and", "of", "in")):
        return ""
    thing = " ".join(words[-2:])
    return thing if len(words) > 2 and words[-2][:1].isalpha() and ends_in_thing(thing, "en") else ""


def _prefixes(title: str, separator: str) -> list[str]:
    """Return what stands before each separator, the longest first."""
    ends = [match.start() for match in re.finditer(separator, title)]
    return [title[:end].strip() for end in reversed(ends)]


def _is_usable(name: str) -> bool:
    return any(character.isalpha() for character in name) and not _READS_AS_OFFER.search(name)
