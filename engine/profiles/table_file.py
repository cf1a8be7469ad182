"""Rows of CSV and Parquet files as text, a bounded number at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from engine.core.errors import InvalidInput

_BATCH = 250_000
_PARQUET = (".parquet", ".pq")


class TableFile:
    """One file that a shop gives: `.parquet`, or else CSV, plain or compressed with gzip.

    Every value of a CSV file stays text, so that an id such as `00012` or `4.0128e+10` is what the shop wrote.
    """

    def __init__(self, path: Path, *, separator: str = ",", encoding: str = "utf-8") -> None:
        """Look at the file's columns.

        Args:
            path: Of the file.
            separator: Between the fields of a CSV file.
            encoding: Of a CSV file, such as `gb18030`.

        Raises:
            InvalidInput: If it cannot be read, naming the file and the remedy.
        """
        self.path = path
        self._separator = separator
        self._encoding = encoding
        if len(separator) != 1 or not separator.isascii():
            raise InvalidInput(f"expected one ASCII character, got {separator!r}", field="--separator")
        if not path.is_file():
            raise InvalidInput("no such file; check the path", file=str(path))
        try:
            self.columns: tuple[str, ...] = tuple(self._scan().collect_schema().names())
        except (PolarsError, OSError) as error:
            raise self._unreadable(error) from None

    def select(self, columns: Mapping[str, str], flags: Mapping[str, str]) -> Iterator[pl.DataFrame]:
        """Rows, some hundred thousand at a time.

        Args:
            columns: Field → column of the file.
            flags: Field → flag that names its column, for the message.

        Yields:
            Frames with the fields as columns; values as text, but for those of Parquet, which keep their types.

        Raises:
            InvalidInput: If a column is missing or a line is malformed.
        """
        for name, column in columns.items():
            if column not in self.columns:
                raise InvalidInput(
                    f"no such column; the file has {', '.join(self.columns[:40])}; name another with {flags[name]}",
                    file=str(self.path),
                    field=column,
                )
        wanted = self._scan().select(pl.col(column).alias(name) for name, column in columns.items())
        try:
            yield from wanted.collect_batches(chunk_size=_BATCH)
        except (PolarsError, OSError) as error:
            raise self._unreadable(error) from None

    def digest(self) -> str:
        """SHA-256 of the bytes, hexadecimal."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def _scan(self) -> pl.LazyFrame:
        if self.path.suffix.lower() in _PARQUET:
            return pl.scan_parquet(self.path)
        source: Path | bytes = self.path
        if self._encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
            source = self._decoded()
        return pl.scan_csv(source, infer_schema=False, separator=self._separator)

    def _decoded(self) -> bytes:
        import gzip

        data = self.path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        try:
            return data.decode(self._encoding).encode()
        except (UnicodeDecodeError, LookupError) as error:
            raise InvalidInput(f"{error}; name the file's own with --encoding", file=str(self.path)) from None

    def _unreadable(self, error: Exception) -> InvalidInput:
        message = str(error).split("\n", 1)[0]
        if "utf-8" in message:
            remedy = "expected UTF-8; name the file's own encoding with --encoding, such as gb18030"
        elif "more fields" in message:
            line = self._ragged_line()
            remedy = "expected as many fields as the header has; quote fields that hold a comma, or give --separator"
            return InvalidInput(remedy, file=str(self.path), line=line)
        elif "empty" in message:
            remedy = "expected a header and rows, and the file is empty; check how it was exported"
        else:
            remedy = f"cannot be read as CSV or Parquet: {message:.200}; check how it was exported"
        return InvalidInput(remedy, file=str(self.path))

    def _ragged_line(self) -> int | None:
        """The first line with more fields than the header."""
        import csv
        import gzip
        import io

        opened = gzip.open if self.path.read_bytes()[:2] == b"\x1f\x8b" else open
        with opened(self.path, "rb") as raw:
            reader = csv.reader(
                io.TextIOWrapper(raw, self._encoding, errors="replace", newline=""), delimiter=self._separator
            )
            width = len(next(reader, []))
            for row in reader:
                if len(row) > width:
                    return reader.line_num
        return None
