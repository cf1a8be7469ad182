"""Read typed fields out of a parsed JSON or TOML table, naming what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Fields:
    """A table and its place.

    Attributes:
        table: What was parsed.
        path: Dotted path of the table, for messages; empty at the top.
    """

    table: Mapping[str, Any]
    path: str = ""

    @classmethod
    def of(cls, value: Any, path: str, known: frozenset[str]) -> Fields:
        """Take a table and refuse fields that nobody reads.

        Raises:
            InvalidInput: The value is no table, or a field is unknown; names the nearest known one.
        """
        if not isinstance(value, Mapping):
            raise InvalidInput(f"expected an object, got {_kind(value)}", field=path or "brief")
        fields = cls(value, path)
        for name in value:
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
                raise InvalidInput(f"unknown field; {hint}", field=fields.place(str(name)))
        return fields

    def place(self, name: str) -> str:
        """Return the dotted path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str, default: str | None = None) -> str:
        """Return a string; without a default it must be there."""
        value = self._value(name, default)
        if not isinstance(value, str):
            raise InvalidInput(f"expected a string, got {_kind(value)}", field=self.place(name))
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number; without a default it must be there."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidInput(
                f"expected a whole number (money in minor units: 24.00 is 2400), got {_kind(value)}",
                field=self.place(name),
            )
        return value

    def texts(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return an array of strings."""
        value = self.table.get(name, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise InvalidInput(f"expected an array of strings, got {_kind(value)}", field=self.place(name))
        return tuple(value)

    def truth(self, name: str) -> bool:
        """Return true or false; false where it is absent."""
        value = self.table.get(name, False)
        if not isinstance(value, bool):
            raise InvalidInput(f"expected true or false, got {_kind(value)}", field=self.place(name))
        return value

    def day(self, name: str) -> date | None:
        """Return a date, or None where it is absent."""
        value = self.table.get(name)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"expected a day such as 2026-11-30, got {value!r}", field=self.place(name)) from error

    def _value(self, name: str, default: Any) -> Any:
        value = self.table.get(name, default)
        if value is None:
            raise InvalidInput("is missing; add it", field=self.place(name))
        return value


def _kind(value: Any) -> str:
    names = {
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a fraction",
        list: "an array",
        dict: "an object",
    }
    return f"{names.get(type(value), type(value).__name__)} ({str(value)[:40]})"
