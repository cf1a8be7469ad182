"""The brief's facts, written out for one language and channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_skeleton
from babel.lists import format_list

from generators.brief import Brief
from generators.data import load_toml


@dataclass(frozen=True, slots=True)
class Facts:
    """Slot → text; a fact that the brief does not have is absent, so no frame can state it.

    Attributes:
        slots: Of `payable`, `reference`, `saving`, `min_spend`, `least` and `off` (both bare, of yuan only: 满200减30),
            `percent`, `fold`, `code`, `ends`, `terms` (sentences).
    """

    slots: Mapping[str, str]

    @classmethod
    def of(cls, brief: Brief, *, sms: bool = False) -> Facts:
        """Write the facts in the manner of the brief's language.

        Args:
            brief: The facts.
            sms: Write money with signs that keep an SMS in the GSM alphabet.
        """
        written = brief.currency.written_for_sms if sms else brief.currency.written
        terms = brief.offer.terms
        money = {
            "payable": brief.payable_minor,
            "reference": brief.reference_minor,
            "saving": brief.saving_minor,
            "min_spend": terms.min_spend_minor or None,
        }
        slots = {name: written(minor, brief.language) for name, minor in money.items() if minor is not None}
        if brief.language == "zh" and brief.product.currency == "CNY" and terms.min_spend_minor:
            slots["least"] = _bare(terms.min_spend_minor, brief.currency.decimals)
            if brief.saving_minor:
                slots["off"] = _bare(brief.saving_minor, brief.currency.decimals)
        if brief.percent:
            slots |= {"percent": f"{brief.percent}%", "fold": _fold(brief.percent)}
        if brief.offer.code:
            slots["code"] = brief.offer.code
        if brief.offer.ends:
            slots["ends"] = _day(brief.offer.ends, "zh_CN" if brief.language == "zh" else brief.currency.locale)
        if terms:
            slots["terms"] = _terms(brief)
        return cls(slots)


def _fold(percent: int) -> str:
    """Write a discount as Chinese shops do, by the share that is still paid: 20 % off is 8折, 15 % is 8.5折."""
    return f"{format((Decimal(100 - percent) / 10).normalize(), 'f')}折"


@lru_cache(maxsize=1024)
def _day(day: date, locale: str) -> str:
    return str(format_skeleton("MMMd", day, locale=locale))


def _bare(minor: int, decimals: int) -> str:
    return format(Decimal(minor).scaleb(-decimals).normalize(), "f")


def _terms(brief: Brief) -> str:
    """Write each term but the minimum spend, which stands in the offer itself, as a sentence."""
    words, terms = load_toml(f"copy_{brief.language}.toml")["terms"], brief.offer.terms
    sentences = []
    if terms.new_customers:
        sentences.append(words["new_customers"])
    if terms.per_customer:
        sentences.append(words["per_customer"].format(count=terms.per_customer))
    if terms.regions:
        joined = (
            "、".join(terms.regions)
            if brief.language == "zh"
            else format_list(list(terms.regions), style="standard", locale="en_GB")
        )
        sentences.append(words["regions"].format(regions=joined))
    gap = "" if brief.language == "zh" else " "
    return gap.join(sentences)
