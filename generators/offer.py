"""An offer: what the shopper gets on top of the product."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from engine.core.errors import InvalidInput
from generators.terms import Terms


class OfferKind(StrEnum):
    """How the offer works."""

    NONE = "none"
    MARKDOWN = "markdown"
    PERCENT = "percent"
    AMOUNT = "amount"
    FREE_SHIPPING = "free_shipping"


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered, and under which terms.

    Attributes:
        kind: `markdown` takes its figures from the product's list price; `percent` and `amount` come off the price.
        percent: Whole percent off, 1–99, with kind `percent` only.
        amount_minor: Minor currency units off, with kind `amount` only.
        code: What the shopper has to enter, 3–16 capitals and digits; empty means nothing.
        ends: Last day of the offer, in the shop's own calendar; None means open.
        terms: Minimum spend, limits per customer and the like.
    """

    kind: OfferKind = OfferKind.NONE
    percent: int = 0
    amount_minor: int = 0
    code: str = ""
    ends: date | None = None
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        if (self.kind is OfferKind.PERCENT) != (self.percent != 0) or not 0 <= self.percent <= 99:
            raise InvalidInput(
                f"expected 1-99 with kind 'percent' and nothing otherwise, got {self.percent} with {self.kind.value!r}",
                field="offer.percent",
            )
        if (self.kind is OfferKind.AMOUNT) != (self.amount_minor != 0) or self.amount_minor < 0:
            raise InvalidInput(
                "expected minor currency units above 0 with kind 'amount' and nothing otherwise, "
                f"got {self.amount_minor} with {self.kind.value!r}",
                field="offer.amount_minor",
            )
        if self.code and not re.fullmatch(r"(?=[A-Z0-9]*[A-Z])[A-Z0-9]{3,16}", self.code):
            raise InvalidInput(
                f"expected 3-16 capitals and digits with at least one letter, got {self.code!r}", field="offer.code"
            )
        if self.kind is OfferKind.NONE and (self.code or self.ends or self.terms):
            raise InvalidInput(
                "expected no code, no end and no terms without an offer; set offer.kind or drop them",
                field="offer.kind",
            )
        least = self.terms.min_spend_minor
        if least and self.kind is OfferKind.MARKDOWN:
            raise InvalidInput(
                "expected no minimum spend with kind 'markdown', whose price holds for the product alone; "
                "use kind 'amount' or 'percent'",
                field="offer.terms.min_spend_minor",
            )
        if least and self.amount_minor >= least:
            raise InvalidInput(
                f"expected more than amount_minor ({self.amount_minor}), got {least}",
                field="offer.terms.min_spend_minor",
            )
