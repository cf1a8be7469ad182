"""A currency: how its amounts are written, parsed and banded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache

from babel import Locale
from babel.numbers import format_currency

from engine.core.errors import InvalidInput
from generators.data import load_toml


@dataclass(frozen=True, slots=True)
class Currency:
    """One row of `data/money.toml`.

    Attributes:
        code: ISO 4217 code.
        decimals: Decimal digits of the minor unit.
        symbols: Every way an amount may be marked in finished copy.
        sms_symbol: A mark within the GSM-7 alphabet, so that one sign does not halve an SMS.
        locale: Locale of English copy in this currency (thousands and dates differ: en_US, en_GB, en_IN).
        band_edges: Upper edges of the price bands low and mid, in whole units.
    """

    code: str
    decimals: int
    symbols: tuple[str, ...]
    sms_symbol: str
    locale: str
    band_edges: tuple[int, int]

    @classmethod
    def named(cls, code: str) -> Currency:
        """Return the currency with this ISO code.

        Raises:
            InvalidInput: We cannot write and parse back amounts in it.
        """
        known = _currencies()
        if code not in known:
            raise InvalidInput(f"expected one of {', '.join(sorted(known))}, got {code!r}", field="product.currency")
        return known[code]

    def written(self, amount_minor: int, language: str) -> str:
        """Write an amount as the language's readers expect it; whole amounts lose their decimals."""
        return _written(self, amount_minor, language)

    def written_for_sms(self, amount_minor: int, language: str) -> str:
        """Write an amount with a mark that every phone shows within GSM-7."""
        text = self.written(amount_minor, language)
        return " ".join(text.replace(self.symbols[0], self.sms_symbol).split())

    def price_band(self, amount_minor: int) -> str:
        """Return `low`, `mid` or `high`."""
        low, mid = (edge * 10**self.decimals for edge in self.band_edges)
        return "low" if amount_minor <= low else "mid" if amount_minor <= mid else "high"


@lru_cache(maxsize=4096)
def _written(currency: Currency, amount_minor: int, language: str) -> str:
    amount = Decimal(amount_minor).scaleb(-currency.decimals)
    whole = amount == amount.to_integral_value()
    locale = "zh_CN" if language == "zh" else currency.locale
    text = format_currency(
        amount,
        currency.code,
        format=_pattern(locale, currency.decimals * (not whole)),
        locale=locale,
        currency_digits=False,
    )
    return re.sub(r"([A-Za-z])(?=[0-9])", r"\1 ", text.replace("\u00a0", " "))


@cache
def _pattern(locale: str, decimals: int) -> str:
    """Return the locale's own currency pattern with so many decimals and, between a code and a figure, a space."""
    standard = Locale.parse(locale).currency_formats["standard"].pattern.split(";")[0]
    return str(standard).replace(".00", "." + "0" * decimals if decimals else "")


@cache
def _currencies() -> dict[str, Currency]:
    return {
        code: Currency(
            code=code,
            decimals=row["decimals"],
            symbols=tuple(row["symbols"]),
            sms_symbol=row["sms_symbol"],
            locale=row["locale"],
            band_edges=(row["band_edges"][0], row["band_edges"][1]),
        )
        for code, row in load_toml("money.toml").items()
    }
