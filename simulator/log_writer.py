"""Writes a decision log, whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from engine.core.errors import InvalidInput

__all__ = ["write_log"]

Record = Mapping[str, Any]
Catalogue = Mapping[str, Mapping[str, Any]]


def write_log(
    path: str | os.PathLike[str],
    records: Iterable[Record],
    catalogue: Catalogue | Callable[[], Catalogue] | None = None,
) -> int:
    """Write records as JSON Lines, gzipped under a name ending in .gz, or as Parquet under one ending in .parquet.

    The file appears under its name only when it is complete: a source that turns out malformed half-way leaves
    nothing behind.

    Args:
        path: Where to.
        records: Rows of the log format; may be a generator that raises.
        catalogue: Arm id → description, written to `PATH.catalogue.json`; or what gives it once the records are read.

    Returns:
        Number of records written.

    Raises:
        InvalidInput: When the file cannot be written there.
    """
    target = Path(path)
    if target.is_dir():
        raise InvalidInput("expected a path to a file, got a folder; name a file in it", file=str(target))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        written = _parquet(temporary, records) if target.suffix == ".parquet" else _lines(temporary, target, records)
        described = catalogue() if callable(catalogue) else catalogue
        if described:
            _replace_with(Path(f"{target}.catalogue.json"), orjson.dumps(described, option=orjson.OPT_SORT_KEYS))
        temporary.replace(target)
    except OSError as error:
        raise InvalidInput(
            f"expected a writable path, got {error.strerror}; choose another", file=str(target)
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink()
    return written


def _lines(temporary: Path, target: Path, records: Iterable[Record]) -> int:
    written = 0
    with temporary.open("wb") as raw:
        # No name and time in the gzip header: the same records give the same bytes.
        out = gzip.GzipFile("", "wb", 6, raw, mtime=0) if target.suffix == ".gz" else None
        for record in records:
            (out or raw).write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            written += 1
        if out is not None:
            out.close()
        raw.flush()
        os.fsync(raw.fileno())
    return written


def _parquet(temporary: Path, records: Iterable[Record]) -> int:
    """Write lines first: only when all records are seen is it known which types the columns have."""
    from simulator.parquet_table import ParquetTypes, write_parquet

    types, spool = ParquetTypes(), temporary.with_name(f"{temporary.name}.lines")

    def seen() -> Iterator[Record]:
        for record in records:
            types.see(record)
            yield record

    try:
        written = _lines(spool, spool, seen())
        with spool.open("rb") as lines:
            write_parquet(temporary, map(orjson.loads, lines), types)
    finally:
        with suppress(OSError):
            spool.unlink()
    return written


def _replace_with(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
