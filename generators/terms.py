"""Terms under which an offer holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.core.errors import InvalidInput

_REGION = re.compile(r"[^\W\d_][^\d_,、;:.!?|，。！？；：]*")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a shopper has to meet; code writes each as a sentence or clause, and the verifier reads it back.

    Attributes:
        min_spend_minor: The order has to reach this sum, in minor units; 0 means none. The offer then is one on the
            order ("满200减30", "$10 off orders of $50 or more"), and the product keeps its price.
        per_customer: How often one customer may use the offer; 0 means no limit.
        new_customers: Whether only customers without an earlier order may use it.
        regions: Where it holds, in the words of the copy's language, at most 60 characters in all; empty means
            everywhere.
    """

    min_spend_minor: int = 0
    per_customer: int = 0
    new_customers: bool = False
    regions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.min_spend_minor < 10**12:
            raise InvalidInput(
                f"expected minor currency units from 1 to 10^12 or nothing, got {self.min_spend_minor}",
                field="offer.terms.min_spend_minor",
            )
        if not 0 <= self.per_customer <= 99:
            raise InvalidInput(f"expected 1-99 or nothing, got {self.per_customer}", field="offer.terms.per_customer")
        if sum(map(len, self.regions)) > 60 or len(set(self.regions)) != len(self.regions):
            raise InvalidInput("expected distinct names of 60 characters in all", field="offer.terms.regions")
        for region in self.regions:
            if not _REGION.fullmatch(region) or " and " in region or "和" in region or region != region.strip():
                raise InvalidInput(
                    f"expected the plain name of one region, without digits and punctuation, got {region!r}",
                    field="offer.terms.regions",
                )

    def __bool__(self) -> bool:
        return self != Terms()
