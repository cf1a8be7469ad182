"""Which columns of a shop's files are what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.profiles.event_type import EventType


@dataclass(frozen=True, slots=True)
class EventColumns:
    """Columns of a file of events. Empty for a field that the files do not have.

    Attributes:
        user: Of the shopper.
        item: Of the product.
        type: Of the kind of event; or a kind of event itself, if all rows are of it and no column is called so.
        at: Of the time: RFC 3339, `2017-01-31 12:00:00`, a date, or seconds, milli- or microseconds since 1970.
        quantity: Of how many were bought; 1 where there is none.
        value: Of the money of the row, in the shop's currency.
        query: Of the text that was searched for.
        event_id: Of a name that a row keeps when it is sent again.
        time_zone: IANA zone of times that name none.
        words: Words of one's own in the column `type`.
    """

    user: str = "user"
    item: str = "item"
    type: str = "type"
    at: str = "at"
    quantity: str = ""
    value: str = ""
    query: str = ""
    event_id: str = ""
    time_zone: str = "UTC"
    words: Mapping[str, EventType] = field(default_factory=dict)

    def given(self, present: Sequence[str]) -> dict[str, str]:
        """Field → column, of those that are to be read from a file with such columns."""
        names = ("user", "item", "type", "at", "quantity", "value", "query", "event_id")
        found = {name: getattr(self, name) for name in names if getattr(self, name)}
        if self.constant_type(present) is not None:
            del found["type"]
        return found

    def constant_type(self, present: Sequence[str]) -> EventType | None:
        """The kind of all rows, if the flag names a kind and no column is called so."""
        return EventType(self.type) if self.type not in present and self.type in list(EventType) else None

    def flag(self, name: str) -> str:
        """What the flag for a field is called."""
        return "--" + name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class ProductColumns:
    """Columns of a file of products. Empty for a field that it does not have.

    Attributes:
        id: Of the product, as events name it.
        title: Of its name in words.
        category: Of the levels of the taxonomy, from the widest to the narrowest.
        brand: Of its brand.
        price: Of its price, in the shop's currency.
    """

    id: str = "id"
    title: str = ""
    category: tuple[str, ...] = ()
    brand: str = ""
    price: str = ""

    def given(self) -> dict[str, str]:
        """Field → column; levels are `level_1`, and so on."""
        found = {name: getattr(self, name) for name in ("id", "title", "brand", "price") if getattr(self, name)}
        return found | {f"level_{n}": column for n, column in enumerate(self.category, 1)}

    def flag(self, name: str) -> str:
        """What the flag for a field is called."""
        return {"id": "--product-id"}.get(name, "--category" if name.startswith("level_") else f"--{name}")
