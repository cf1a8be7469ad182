"""The brief's facts, written out for one language and channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from babel.dates import format_skeleton

from generators.brief import Brief


@dataclass(frozen=True, slots=True)
class Facts:
    """Slot → text; a fact that the brief does not have is absent, so no frame can state it.

    Attributes:
        slots: Of `payable`, `reference`, `saving`, `percent`, `fold`, `code`, `ends`.
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
        money = {"payable": brief.payable_minor, "reference": brief.reference_minor}
        if brief.payable_minor is not None and brief.reference_minor is not None:
            money["saving"] = brief.reference_minor - brief.payable_minor
        slots = {name: written(minor, brief.language) for name, minor in money.items() if minor is not None}
        if brief.percent:
            slots |= {"percent": f"{brief.percent}%", "fold": _fold(brief.percent)}
        if brief.offer.code:
            slots["code"] = brief.offer.code
        if brief.offer.ends:
            locale = "zh_CN" if brief.language == "zh" else brief.currency.locale
            slots["ends"] = format_skeleton("MMMd", brief.offer.ends, locale=locale)
        return cls(slots)


def _fold(percent: int) -> str:
    """Write a discount as Chinese shops do, by the share that is still paid: 20 % off is 8折, 15 % is 8.5折."""
    return f"{format((Decimal(100 - percent) / 10).normalize(), 'f')}折"
