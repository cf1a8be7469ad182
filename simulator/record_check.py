"""Checks one record of a decision log, field by field."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, cast

import numpy as np

from simulator.timestamps import microseconds
from simulator.unusable_log import UnusableLog

__all__ = ["SCHEMA", "Outcome", "RecordCheck", "described_arms"]

SCHEMA = "armsreach.decision.v1"
_NAN = math.nan
_NUMBERS = frozenset((int, float))
_STRINGS = frozenset((str,))
_LARGEST, _LARGEST_SINGLE = sys.float_info.max, float(np.finfo(np.float32).max)
_MOST = 2**48


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome as checked; `at` is microseconds since the epoch."""

    type: str
    value: float
    at: int
    outcome_id: str | None


class RecordCheck:
    """Holds the record in hand and its line, so that every refusal names file, line and field.

    Args:
        source: Where the records come from.
        width: Numbers in every embedding, where records before these have any.
    """

    def __init__(self, source: str, width: int | None = None) -> None:
        self._source = source
        self._line = 0
        self._fields: Mapping[str, Any] = {}
        self._width = width

    def refuse(self, field: str, expected: str, got: object, remedy: str) -> NoReturn:
        """Raise the error for one field of the record in hand."""
        raise UnusableLog(expected, got, remedy, field=field, file=self._source, line=self._line)

    def begin(self, record: object, line: int) -> Mapping[str, Any]:
        """Take a record in hand and return its fields.

        Raises:
            UnusableLog: When it is no object, a required field is missing, or its schema is not one we know.
        """
        self._line = line
        if not isinstance(record, dict):
            self.refuse("", "a JSON object, one decision a line", type(record).__name__, "write one object a line")
        self._fields = cast("Mapping[str, Any]", record)
        for name in ("decision_id", "arm", "propensity", "eligible", "outcomes"):
            if record.get(name) is None:
                self.refuse(name, "a value, since the field is required", "nothing", f"add `{name}` to the row")
        schema = record.get("schema")
        if schema is not None and schema != SCHEMA:
            self.refuse(
                "schema", repr(SCHEMA), repr(schema), "read it with a newer armsreach, or write the log as version 1"
            )
        return self._fields

    def text(self, name: str) -> str:
        """Return a required non-empty string."""
        value = self._fields[name]
        if not isinstance(value, str) or not value:
            self.refuse(name, "a non-empty string", value, f"write `{name}` as a string")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a non-empty string, or None when the field is absent or null."""
        return None if self._fields.get(name) is None else self.text(name)

    def propensity(self) -> float:
        """Return the propensity, in (0, 1]."""
        value = self._fields["propensity"]
        if not _is_number(value) or not 0.0 < value <= 1.0:
            self.refuse(
                "propensity",
                "a number in (0, 1]",
                value,
                "log the probability with which the arm was drawn; a row without it cannot be replayed",
            )
        return float(value)

    def eligible(self) -> tuple[str, ...]:
        """Return the eligible arms."""
        value = self._fields["eligible"]
        if not isinstance(value, list) or not value:
            self.refuse("eligible", "a non-empty list of arm ids", value, "list every arm that could be drawn")
        if not _STRINGS.issuperset(map(type, value)) or "" in value:
            self.refuse("eligible", "arm ids that are non-empty strings", value, "write arm ids as strings")
        return tuple(value)

    def distinct(self, eligible: tuple[str, ...]) -> None:
        """Refuse eligible arms that repeat; called once for each new list."""
        if len(set(eligible)) < len(eligible):
            self.refuse("eligible", "each arm once", "a repeated arm", "list each eligible arm once")

    def probabilities(self, arms: int) -> list[float]:
        """Return one probability an eligible arm, NaN where none was kept."""
        values = self._fields.get("probabilities")
        if values is None:
            return [_NAN] * arms
        field, remedy = "probabilities", "write them in the order of `eligible`, null where one was not kept"
        if not isinstance(values, list) or len(values) != arms:
            got = f"{len(values)}" if isinstance(values, list) else type(values).__name__
            self.refuse(field, f"a list of {arms}, one an eligible arm", got, remedy)
        # Nearly every row is right; looking at its numbers one by one is left to the row that is not.
        if _NUMBERS.issuperset(map(type, values)) and min(values) >= 0.0 and abs(math.fsum(values) - 1.0) <= 1e-5:
            return cast("list[float]", values)
        for place, value in enumerate(values):
            if value is not None and (not _is_number(value) or not 0.0 <= value <= 1.0):
                self.refuse(f"{field}[{place}]", "a number in [0, 1] or null", value, remedy)
        kept = [value for value in values if value is not None]
        total = math.fsum(kept)
        if total > 1.0 + 1e-5 or (len(kept) == arms and total < 1.0 - 1e-5):
            self.refuse(field, "a sum of 1 within 1e-5", f"a sum of {total:.8g}", remedy)
        return [_NAN if value is None else float(value) for value in values]

    def outcomes(self) -> Iterator[Outcome]:
        """Yield the outcomes of the record."""
        values = self._fields["outcomes"]
        if not isinstance(values, list):
            self.refuse("outcomes", "a list, empty when nothing happened", values, "write `outcomes` as a list")
        for place, value in enumerate(values):
            yield self._outcome(value, f"outcomes[{place}]")

    def _outcome(self, outcome: object, field: str) -> Outcome:
        if not isinstance(outcome, dict):
            self.refuse(field, "an object with `type`", outcome, 'write outcomes as {"type": "click"}')
        kind = outcome.get("type")
        if not isinstance(kind, str) or not kind:
            self.refuse(f"{field}.type", "a non-empty string", kind, "name the outcome, such as click or purchase")
        value = 1.0 if outcome.get("value") is None else outcome["value"]
        if not _is_number(value) or not -_LARGEST <= value <= _LARGEST:
            self.refuse(f"{field}.value", "a finite number", value, "write money or a count as a number")
        if value < 0 and kind in ("refund", "cost"):
            self.refuse(
                f"{field}.value", f"a {kind} of 0 or more", value, "a refund or cost is subtracted: drop its sign"
            )
        outcome_id = outcome.get("outcome_id")
        return Outcome(
            kind,
            float(value),
            self._time(outcome.get("at"), f"{field}.at"),
            None if outcome_id is None else str(outcome_id),
        )

    def mode(self, known: tuple[str, ...]) -> int:
        """Return the place of the mode in `known`; absent means the first, live."""
        value = self._fields.get("mode")
        if value is None:
            return 0
        if value not in known:
            self.refuse("mode", "one of " + ", ".join(known), value, "use the mode under which the decision was made")
        return known.index(value)

    def count(self) -> int:
        """Return how many identical decisions the row stands for."""
        value = self._fields.get("count")
        if value is None:
            return 1
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST:
            self.refuse("count", "an integer of 1 or more", value, "drop the row if nothing happened that often")
        return value

    def time(self, name: str, absent: int) -> int:
        """Return an RFC 3339 field as microseconds since the epoch, `absent` when it is not there."""
        value = self._fields.get(name)
        return absent if value is None else self._time(value, name)

    def _time(self, value: object, field: str) -> int:
        moment = microseconds(value if not isinstance(value, datetime) else value.isoformat())
        if moment is None:
            self.refuse(field, "an RFC 3339 time with its offset", value, "write times like 2025-03-01T12:00:00Z")
        return moment

    def context(self) -> Mapping[str, Any]:
        """Return the flat context without its nulls."""
        value = self._fields.get("context")
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.refuse("context", "a flat object", value, "write context as name: value pairs")
        kept = {}
        for name, item in value.items():
            if item is None:
                continue
            if not isinstance(item, str) and not (isinstance(item, int | float) and -_LARGEST <= item <= _LARGEST):
                self.refuse(
                    f"context.{name}",
                    "a string, finite number or boolean",
                    type(item).__name__ if isinstance(item, dict | list) else item,
                    "flatten nested values into attributes of their own",
                )
            kept[name] = item
        return kept

    def embedding(self) -> list[float] | None:
        """Return the embedding; all rows of a log have the same width."""
        value = self._fields.get("embedding")
        if value is None:
            return None
        # NaN fails the comparison, and so does what float32 cannot hold.
        if not isinstance(value, list) or not all(_is_number(x) and abs(x) <= _LARGEST_SINGLE for x in value):
            self.refuse("embedding", "a list of finite float32 numbers", value, "write the embedding as plain floats")
        if self._width is None:
            self._width = len(value)
        if len(value) != self._width:
            self.refuse(
                "embedding", f"{self._width} numbers as in the rows before", len(value), "use one embedding model"
            )
        return value

    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the inline arms of the record; null is absent, since Parquet gives every row every arm's fields."""
        value = self._fields["arms"]
        arms = described_arms(value)
        if arms is None:
            self.refuse("arms", "an object of arm id → object", value, "describe each arm as an object")
        return arms


def described_arms(value: object) -> Mapping[str, Mapping[str, Any]] | None:
    """Read an object of arm id → object, without what is null; None when it is none."""
    if not isinstance(value, dict) or not all(arm is None or isinstance(arm, dict) for arm in value.values()):
        return None
    return {name: _stated(arm) for name, arm in value.items() if arm is not None}


def _stated(described: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out fields and features that are null."""
    return {
        name: _stated(value) if isinstance(value, dict) else value
        for name, value in described.items()
        if value is not None
    }


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
