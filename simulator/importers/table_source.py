"""Rows of a CSV file, gzipped or not, with their line numbers."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from gzip import BadGzipFile
from pathlib import Path
from typing import NoReturn

from simulator.log_reader import text_lines
from simulator.unusable_log import UnusableLog

__all__ = ["TableRow", "table_rows"]


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row; its accessors refuse what is not as expected, naming file, line and column."""

    file: str
    line: int
    cells: Mapping[str, str]

    def refuse(self, column: str, expected: str, got: object, remedy: str) -> NoReturn:
        """Raise the error for one cell."""
        raise UnusableLog(expected, got, remedy, field=column, file=self.file, line=self.line)

    def number(self, column: str) -> float:
        """Return a finite number."""
        text = self.cells[column].strip()
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < float("inf"):
            self.refuse(column, "a finite number", repr(text), "correct the cell")
        return value

    def whole(self, column: str) -> int:
        """Return a whole number of 0 or more."""
        value = self.number(column)
        if value < 0 or value != int(value):
            self.refuse(column, "a whole number of 0 or more", self.cells[column], "correct the cell")
        return int(value)

    def flag(self, column: str) -> bool:
        """Return a 0 or 1 as a boolean."""
        if self.cells[column].strip() not in ("0", "1"):
            self.refuse(column, "0 or 1", repr(self.cells[column]), "correct the cell")
        return self.cells[column].strip() == "1"

    def text(self, column: str) -> str:
        """Return a cell that is not empty."""
        value = self.cells[column].strip()
        if not value:
            self.refuse(column, "a value", "an empty cell", "fill the cell or drop the row")
        return value

    def propensity(self, column: str) -> float:
        """Return a probability in (0, 1]."""
        value = self.number(column)
        if not 0.0 < value <= 1.0:
            self.refuse(column, "a number in (0, 1]", value, "log the probability of the draw, or drop the row")
        return value


def table_rows(path: str, required: Iterable[str]) -> Iterator[TableRow]:
    """Read a CSV file with a header.

    Raises:
        UnusableLog: When it is missing, empty, lacks a required column or has it twice, or a row has another number of
            cells.
    """
    file, required = Path(path), list(required)
    with text_lines(file) as text:
        reader = csv.reader(text)
        try:
            header = next(reader, [])
            missing = [name for name in required if name not in header]
            if missing:
                raise UnusableLog(
                    f"a column {missing[0]!r}",
                    "columns " + ", ".join(header) if header else "an empty file",
                    "check the file and the column's name",
                    field=missing[0],
                    file=path,
                    line=1,
                )
            twice = [name for name in required if header.count(name) > 1]
            if twice:
                raise UnusableLog(
                    "each column once",
                    f"{twice[0]!r} {header.count(twice[0])} times",
                    "rename one",
                    field=twice[0],
                    file=path,
                    line=1,
                )
            for cells in reader:
                if not cells:
                    continue
                if len(cells) != len(header):
                    raise UnusableLog(
                        f"{len(header)} cells as in the header",
                        len(cells),
                        "repair the row",
                        file=path,
                        line=reader.line_num,
                    )
                yield TableRow(path, reader.line_num, dict(zip(header, cells, strict=True)))
        except (csv.Error, UnicodeDecodeError, EOFError, zlib.error, BadGzipFile) as error:
            raise UnusableLog(
                "a CSV file in UTF-8", str(error), "check the file", file=path, line=reader.line_num + 1
            ) from error
