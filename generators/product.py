"""A product: the facts that copy may state about what is sold."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from engine.core.errors import InvalidInput
from generators.currency import Currency


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold, as the shop's catalogue has it.

    Attributes:
        title: The catalogue title, 1–300 characters.
        price_minor: Price before the offer, in minor units of the currency, above 0.
        currency: ISO 4217 code; one of those in `data/money.toml`.
        brand: Brand, or empty.
        category: Category, or empty.
        list_price_minor: The price struck through, above `price_minor`; 0 means none.
    """

    title: str
    price_minor: int
    currency: str
    brand: str = ""
    category: str = ""
    list_price_minor: int = 0

    def __post_init__(self) -> None:
        if not self.title.strip() or len(self.title) > 300:
            raise InvalidInput(f"expected 1-300 characters, got {len(self.title)}", field="product.title")
        for name in ("title", "brand", "category"):
            if any(unicodedata.category(c).startswith("C") for c in getattr(self, name)):
                raise InvalidInput(
                    "expected one line without control characters; clean the field", field=f"product.{name}"
                )
        if not 0 < self.price_minor < 10**12:
            raise InvalidInput(
                f"expected minor currency units between 1 and 10^12 (2400 is 24.00), got {self.price_minor}",
                field="product.price_minor",
            )
        if self.list_price_minor and not self.price_minor < self.list_price_minor < 10**12:
            raise InvalidInput(
                f"expected more than price_minor ({self.price_minor}) or nothing, got {self.list_price_minor}",
                field="product.list_price_minor",
            )
        Currency.named(self.currency)
