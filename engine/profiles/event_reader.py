"""Reads a shop's files of events into one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import polars as pl

from engine.core.errors import InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles.cleaning_report import CleaningReport
from engine.profiles.columns import EventColumns
from engine.profiles.event_fields import REASONS, SCHEMA, checked_zone, typed
from engine.profiles.table_file import TableFile

_READ: dict[str, pl.DataType | type[pl.DataType]] = {**SCHEMA, "event_id": pl.String}


class EventReader:
    """Reads files one after the other, a bounded number of rows at a time."""

    def __init__(
        self,
        columns: EventColumns,
        now: datetime,
        report: CleaningReport,
        *,
        key: KeyedHash | None = None,
        strict: bool = False,
        encoding: str = "utf-8",
        separator: str = ",",
    ) -> None:
        """Read nothing yet.

        Args:
            columns: What is what.
            now: Events more than a day later are impossible.
            report: Counts what is left out.
            key: The server's; shoppers then become the pseudonyms that its journal knows.
            strict: The first unusable row is an error.
            encoding: Of CSV files.
            separator: Of CSV files.
        """
        checked_zone(columns.time_zone)
        self._columns = columns
        self._now = now
        self._report = report
        self._key = key
        self._strict = strict
        self._encoding = encoding
        self._separator = separator
        self._known: dict[str, str] = {}

    def read(self, paths: Sequence[Path], advance: Callable[[int], None] = lambda _: None) -> pl.DataFrame:
        """All usable rows; columns of `SCHEMA` and `event_id`.

        Args:
            paths: CSV or Parquet.
            advance: Called with the number of rows after each batch.

        Raises:
            InvalidInput: If a file cannot be read or lacks a column, if all of its rows are unusable, or, being
                strict, if one is.
        """
        parts = [pl.DataFrame(schema=_READ)]
        for path in paths:
            parts += self._read_file(TableFile(path, separator=self._separator, encoding=self._encoding), advance)
        return pl.concat(parts)

    def _read_file(self, file: TableFile, advance: Callable[[int], None]) -> list[pl.DataFrame]:
        given = self._columns.given(file.columns)
        flags = {name: self._columns.flag(name) for name in given}
        parts, seen, usable = [], 0, 0
        first = ""
        for batch in file.select(given, flags):
            found = typed(batch, self._columns, file.columns, self._now)
            first = self._note_faults(file, found.faults, seen) or first
            seen += batch.height
            usable += found.rows.height
            parts.append(self._pseudonymised(_with_id(found.rows)))
            advance(batch.height)
        self._report.rows += seen
        if seen and not usable:
            raise self._all_unusable(first)
        return parts

    def _note_faults(self, file: TableFile, faults: pl.Series, before: int) -> str:
        """Count them; the reason of the first."""
        bad = faults.is_not_null().arg_true()
        if bad.is_empty():
            return ""
        counts = faults.drop_nulls().value_counts()
        for reason, count in counts.iter_rows():
            self._report.unusable[reason] += count
            if reason not in self._report.first:
                row = before + int((faults == reason).fill_null(False).arg_true()[0])
                self._report.first[reason] = _place(file, row)
        reason = str(faults[int(bad[0])])
        if self._strict:
            raise InvalidInput(
                f"{reason}; correct the row, name another column or value with {self._flag(reason)}, or leave --strict"
                " out to count such rows and go on",
                field=self._column(reason),
                file=self._report.first[reason],
            )
        return reason

    def _all_unusable(self, reason: str) -> InvalidInput:
        remedies = {
            "type": "name the shop's words with --word WORD=TYPE (see --help), or all with --type purchase",
            "at": "expected RFC 3339, 2017-01-31 12:00:00, a date, or seconds since 1970",
        }
        remedy = remedies.get(REASONS[reason], f"name another column with {self._flag(reason)}")
        return InvalidInput(
            f"none of the rows is usable, this one for: {reason}; {remedy}",
            field=self._column(reason),
            file=self._report.first[reason],
        )

    def _column(self, reason: str) -> str:
        return str(getattr(self._columns, REASONS[reason]) or REASONS[reason])

    def _flag(self, reason: str) -> str:
        return self._columns.flag(REASONS[reason])

    def _pseudonymised(self, rows: pl.DataFrame) -> pl.DataFrame:
        if self._key is None:
            return rows
        for user in rows["user"].unique():
            if user not in self._known:
                self._known[user] = self._key.digest(Domain.USER, user).hex()
        return rows.with_columns(pl.col("user").replace_strict(self._known, return_dtype=pl.String))


def _with_id(rows: pl.DataFrame) -> pl.DataFrame:
    if "event_id" not in rows.columns:
        rows = rows.with_columns(pl.lit(None, pl.String).alias("event_id"))
    return rows.select(list(_READ))


def _place(file: TableFile, row: int) -> str:
    """File and line, or row where the file has no lines; a quoted line break makes lines and rows differ."""
    return f"{file.path}: row {row + 1}" if file.path.suffix in (".parquet", ".pq") else f"{file.path}:{row + 2}"
