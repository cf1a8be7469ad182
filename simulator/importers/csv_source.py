"""Any randomised experiment in a CSV file as a decision log."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from simulator.importers.table_source import TableRow, table_rows
from simulator.log import HOLD
from simulator.log_reader import text_lines
from simulator.timestamps import microseconds, rfc3339

__all__ = ["CsvColumns", "OutcomeColumn", "csv_records", "has_column"]

_NOTHING = ("", "0", "false", "no", "null", "na", "nan", "none")
_SOMETHING = ("true", "yes")
_WHOLE = re.compile(r"-?\d{1,15}")


@dataclass(frozen=True, slots=True)
class OutcomeColumn:
    """`TYPE=COL[*NUMBER]`: a column that makes outcomes of a type, its value times a factor."""

    type: str
    column: str
    factor: float

    @classmethod
    def parse(cls, text: str) -> OutcomeColumn:
        """Read the flag's form.

        Raises:
            InvalidInput: When it is not of that form.
        """
        kind, equals, rest = text.partition("=")
        column, star, number = rest.rpartition("*") if "*" in rest else (rest, "", "1")
        try:
            factor = float(number)
        except ValueError:
            factor = math.nan
        if not equals or not kind.strip() or not column.strip() or not math.isfinite(factor) or (star and not number):
            raise InvalidInput(
                f"expected TYPE=COL or TYPE=COL*NUMBER, got {text!r}; write for example purchase=bought*29.90",
                field="--outcome",
            )
        return cls(kind.strip(), column.strip(), factor)


@dataclass(frozen=True, slots=True)
class CsvColumns:
    """Which columns of the source are what.

    Attributes:
        arm: Column of the arm that was played.
        propensity: Column of its probability, a number for all rows, or None for rows without one.
        outcomes: Columns that make outcomes.
        cost: Arm → stated cost of playing it once.
        context: Columns of context.
        user: Column of the user.
        id: Column of the decision id; by default the line number makes one.
        decided_at: Column of the decision's time.
        hold: Name, in the source, of the arm that sends nothing.
        eligible: Arms that could be drawn; by default all that occur.
    """

    arm: str
    propensity: str | None
    outcomes: Sequence[OutcomeColumn] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    context: Sequence[str] = ()
    user: str | None = None
    id: str | None = None
    decided_at: str | None = None
    hold: str | None = None
    eligible: Sequence[str] = ()

    @property
    def stated_propensity(self) -> float | None:
        """The propensity of all rows when it is a number, else None."""
        try:
            return None if self.propensity is None else float(self.propensity)
        except ValueError:
            return None

    @property
    def required(self) -> list[str]:
        """Columns that the source has to have."""
        named = [self.arm, *(outcome.column for outcome in self.outcomes), *self.context]
        propensity = self.propensity if self.stated_propensity is None else None
        return named + [name for name in (self.user, self.id, self.decided_at, propensity) if name is not None]

    def renamed(self, arm: str) -> str:
        """Give an arm's id in the log."""
        return HOLD if arm == self.hold else arm


def csv_records(path: str, columns: CsvColumns) -> Iterator[dict[str, Any]]:
    """Yield one decision a row, without a propensity where the columns name none.

    Raises:
        UnusableLog: When a line or field is not what the flags say.
        InvalidInput: When a flag does not fit the source.
    """
    stated = columns.stated_propensity
    if stated is not None and not 0.0 < stated <= 1.0:
        raise InvalidInput(f"expected a number in (0, 1] or a column, got {stated}; correct it", field="--propensity")
    seen, texts = _survey(path, columns)
    eligible = [columns.renamed(arm) for arm in columns.eligible] or seen
    costs = {columns.renamed(arm): value for arm, value in columns.cost.items()}
    for flag, arms in (("--cost", costs), ("--hold", [HOLD] if columns.hold else [])):
        for arm in arms:
            if arm not in eligible:
                raise InvalidInput(f"expected an arm among {', '.join(eligible)}; got {arm!r}; correct it", field=flag)
    if any(value < 0 for value in costs.values()):
        raise InvalidInput("expected costs of 0 or more, got a negative one; a cost is subtracted", field="--cost")
    lines: dict[str, int] = {}
    for row in table_rows(path, columns.required):
        record = _decision(row, columns, texts, eligible, costs)
        first = lines.setdefault(record["decision_id"], row.line)
        if first != row.line:
            got = f"{record['decision_id']!r}, also on line {first}"
            row.refuse(columns.id or "", "an id that occurs once", got, "name another column, or drop --id")
        yield record


def has_column(path: str, column: str) -> bool:
    """Tell whether the source has a column of this name.

    Raises:
        UnusableLog: When the file cannot be read.
    """
    with text_lines(Path(path)) as text:
        return column in next(csv.reader(text), [])


def _survey(path: str, columns: CsvColumns) -> tuple[list[str], Set[str]]:
    """Read the source once for the arms that occur, and the context columns that are text.

    A column is numbers or booleans only if all its cells are: codes of which some look like numbers stay codes.
    """
    arms: set[str] = set()
    kinds: dict[str, set[bool | None]] = {name: set() for name in columns.context}
    for row in table_rows(path, columns.required):
        arms.add(columns.renamed(row.text(columns.arm)))
        for name, seen in kinds.items():
            if (value := _typed(row.cells[name])) is not None:
                seen.add(None if isinstance(value, str) else isinstance(value, bool))
    return sorted(arms), {name for name, seen in kinds.items() if None in seen or len(seen) > 1}


def _decision(
    row: TableRow, columns: CsvColumns, texts: Set[str], eligible: list[str], costs: Mapping[str, float]
) -> dict[str, Any]:
    arm, stated = columns.renamed(row.text(columns.arm)), columns.stated_propensity
    if arm not in eligible:
        row.refuse(columns.arm, "one of " + ", ".join(eligible), repr(arm), "add it to --eligible or drop the row")
    record: dict[str, Any] = {
        "schema": "armsreach.decision.v1",
        "decision_id": f"row{row.line - 1}" if columns.id is None else row.text(columns.id),
        "arm": arm,
        "eligible": eligible,
        "context": _context(row, columns.context, texts),
        "outcomes": _outcomes(row, columns, costs.get(arm, 0.0)),
    }
    if columns.propensity is not None:
        record["propensity"] = row.propensity(columns.propensity) if stated is None else stated
    if columns.user is not None:
        record["user"] = row.text(columns.user)
    if columns.decided_at is not None:
        record["decided_at"] = _time(row, columns.decided_at)
    return record


def _context(row: TableRow, names: Sequence[str], texts: Set[str]) -> dict[str, str | float | bool]:
    cells = {name: row.cells[name].strip() if name in texts else _typed(row.cells[name]) for name in names}
    return {name: value for name, value in cells.items() if value is not None and value != ""}


def _outcomes(row: TableRow, columns: CsvColumns, cost: float) -> list[dict[str, Any]]:
    outcomes: list[dict[str, Any]] = []
    for outcome in columns.outcomes:
        cell = row.cells[outcome.column].strip().lower()
        if cell in _NOTHING:
            continue
        value = (1.0 if cell in _SOMETHING else row.number(outcome.column)) * outcome.factor
        if value < 0 and outcome.type in ("refund", "cost"):
            row.refuse(outcome.column, f"a {outcome.type} of 0 or more", value, "it is subtracted: drop the sign")
        if value:
            outcomes.append({"type": outcome.type, "value": value})
    return [*outcomes, {"type": "cost", "value": cost}] if cost else outcomes


def _time(row: TableRow, column: str) -> str:
    at = microseconds(row.text(column).replace(" ", "T", 1))
    if at is None:
        row.refuse(column, "an RFC 3339 time with its offset", repr(row.cells[column]), "write 2025-03-01T12:00:00Z")
    return rfc3339(at)


def _typed(cell: str) -> str | float | bool | None:
    """Read a cell as a boolean or number where it looks like one; codes with a leading zero stay text."""
    text = cell.strip()
    if not text:
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if text[0] == "0" and text[1:2].isdigit():
        return text
    try:
        number = int(text) if _WHOLE.fullmatch(text) else float(text)
    except ValueError:
        return text
    return number if math.isfinite(number) else None
