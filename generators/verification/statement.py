"""A statement of fact, as parsed back from finished copy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class StatementKind(StrEnum):
    """What a statement is about."""

    PAYABLE = "price to pay"
    REFERENCE = "reference price"
    SAVING = "amount off"
    PERCENT = "percent off"
    CODE = "code"
    DATE = "date"
    MIN_SPEND = "minimum spend"
    PER_CUSTOMER = "limit per customer"
    NEW_CUSTOMERS = "limit to new customers"
    REGIONS = "limit to regions"
    QUALIFIED = "qualified figure"
    UNKNOWN = "number"


@dataclass(frozen=True, slots=True)
class Statement:
    """One figure or term that a reader would take as a fact.

    Attributes:
        kind: What it is about. `QUALIFIED` is a figure that something before or after it makes a range, a stack, a
            denial or a part ("from $5", "up to 50 % off", "¥9起", "$5 a month"); `UNKNOWN` is any other figure.
        value: Decimal digits for money (whole units) and percent, `MM-DD` or `YYYY-MM-DD` for dates, else the text.
        unit: The currency mark as written, for money.
        text: As it stands.
    """

    kind: StatementKind
    value: str
    unit: str
    text: str
