"""Reads a decision log from JSON Lines (also gzipped) or Parquet."""

from __future__ import annotations

import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson
from pyarrow import ArrowInvalid
from pyarrow.parquet import ParquetFile

from simulator.log import Log
from simulator.log_builder import LogBuilder
from simulator.parquet_table import json_columns, restored
from simulator.unusable_log import UnusableLog

__all__ = [
    "catalogue_beside",
    "decode_line",
    "json_records",
    "open_lines",
    "open_parquet",
    "parquet_records",
    "read_log",
    "record_batches",
    "text_lines",
]

_PARQUET_CHUNK = 16_384


def read_log(path: str | os.PathLike[str]) -> Log:
    """Read a log and what stands beside it.

    Args:
        path: `*.parquet`, or JSON Lines under any other name, gzipped when it begins like gzip.

    Raises:
        UnusableLog: When the file is missing or empty, or a line or field breaks the format.
    """
    file = Path(path)
    builder = LogBuilder(str(file))
    records = parquet_records(file) if file.suffix == ".parquet" else json_records(file)
    for line, record in records:
        builder.append(record, line)
    if not builder.rows:
        raise UnusableLog("at least one decision", "an empty file", "check the path and the export", file=str(file))
    return builder.build(catalogue_beside(file))


def open_lines(file: Path) -> io.BufferedReader | gzip.GzipFile:
    """Open a file for reading bytes, through gzip when it begins like gzip.

    Raises:
        UnusableLog: When it cannot be opened.
    """
    try:
        raw = file.open("rb")
    except OSError as error:
        raise UnusableLog("a readable file", error.strerror or "nothing", "check the path", file=str(file)) from error
    try:
        start = raw.peek(2)[:2]
    except OSError as error:
        raw.close()
        raise UnusableLog("a readable file", error.strerror or "nothing", "check the path", file=str(file)) from error
    if start != b"\x1f\x8b":
        return raw
    unpacked = gzip.GzipFile(fileobj=raw, mode="rb")
    # GzipFile closes only what it opened itself, unless told that the file is its own.
    unpacked.myfileobj = cast("io.FileIO", raw)
    return unpacked


def json_records(file: Path) -> Iterator[tuple[int, object]]:
    """Yield (line number, decoded record) of a JSON Lines file, blank lines left out."""
    with open_lines(file) as lines:
        line = 0
        try:
            for line, text in enumerate(lines, start=1):
                if text.strip():
                    yield line, decode_line(text, file, line)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise UnusableLog(
                "a whole gzip file", str(error), "copy or export the file again", file=str(file), line=line + 1
            ) from error


def decode_line(text: bytes, file: Path, line: int) -> object:
    """Decode one line of JSON.

    Raises:
        UnusableLog: When it is none.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        problem = error.msg
    try:
        # NaN and Infinity are not JSON, but json.dumps writes them: decoded, the check can name the field.
        record = json.loads(text, parse_constant=_NotJson)
        # Half of a surrogate pair is no character, which shows when it is to be written.
        json.dumps(record, ensure_ascii=False).encode()
        return cast("object", record)
    except (ValueError, RecursionError) as error:
        raise UnusableLog(
            "one JSON object a line",
            f"malformed JSON ({problem})",
            "repair or remove the line",
            file=str(file),
            line=line,
        ) from error


class _NotJson(float):
    """A number that JSON does not have, so that no check of a finite number passes."""


def parquet_records(file: Path) -> Iterator[tuple[int, object]]:
    """Yield (row number, record) of a Parquet file, in chunks.

    Raises:
        UnusableLog: When it is missing or no Parquet file.
    """
    row = 0
    with open_parquet(file) as source:
        encoded = json_columns(source.schema_arrow)
        for batch in record_batches(source, file):
            for record in restored(batch.to_pylist(maps_as_pydicts="lossy"), encoded):
                row += 1
                yield row, record


def open_parquet(file: Path) -> ParquetFile:
    """Open a Parquet file.

    Raises:
        UnusableLog: When it is missing or no Parquet file.
    """
    try:
        return ParquetFile(file)
    except (OSError, ArrowInvalid) as error:
        raise UnusableLog("a Parquet file", type(error).__name__, "check path and format", file=str(file)) from error


def record_batches(source: ParquetFile, file: Path, columns: Sequence[str] | None = None) -> Iterator[Any]:
    """Yield the record batches of a Parquet file, all columns or some.

    Raises:
        UnusableLog: When it is torn.
    """
    batches, row = source.iter_batches(batch_size=_PARQUET_CHUNK, columns=columns), 0
    while True:
        try:
            batch = next(batches, None)
        except (OSError, ArrowInvalid) as error:
            raise UnusableLog(
                "a whole Parquet file", type(error).__name__, "write it again", file=str(file), line=row + 1
            ) from error
        if batch is None:
            return
        row += batch.num_rows
        yield batch


def catalogue_beside(file: Path) -> Mapping[str, Mapping[str, Any]] | None:
    """Read `LOG.catalogue.json`, which may describe the arms once for all rows."""
    beside = Path(f"{file}.catalogue.json")
    if not beside.exists():
        return None
    try:
        arms = orjson.loads(beside.read_bytes())
    except orjson.JSONDecodeError as error:
        raise UnusableLog("JSON", error.msg, "repair the catalogue", file=str(beside), line=error.lineno) from error
    if isinstance(arms, dict) and isinstance(arms.get("arms"), dict):
        arms = arms["arms"]
    if not isinstance(arms, dict) or not all(isinstance(arm, dict) for arm in arms.values()):
        raise UnusableLog(
            "an object of arm id → object", type(arms).__name__, "describe each arm as an object", file=str(beside)
        )
    return cast("Mapping[str, Mapping[str, Any]]", arms)


def text_lines(file: Path) -> io.TextIOWrapper:
    """Open a text file, gzipped or not, as UTF-8 with or without a byte order mark."""
    return io.TextIOWrapper(open_lines(file), encoding="utf-8-sig", newline="")
