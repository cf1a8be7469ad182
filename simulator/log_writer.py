"""Writes a decision log, whole or not at all."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from engine.core.errors import InvalidInput

__all__ = ["write_log"]

Record = Mapping[str, Any]


def write_log(
    path: str | os.PathLike[str], records: Iterable[Record], catalogue: Mapping[str, Mapping[str, Any]] | None = None
) -> int:
    """Write records as JSON Lines, gzipped under a name ending in .gz, or as Parquet under one ending in .parquet.

    The file appears under its name only when it is complete: a source that turns out malformed half-way leaves
    nothing behind.

    Args:
        path: Where to.
        records: Rows of the log format; may be a generator that raises.
        catalogue: Arm id → description, written to `PATH.catalogue.json`.

    Returns:
        Number of records written.

    Raises:
        InvalidInput: When the file cannot be written there.
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        written = _parquet(temporary, records) if target.suffix == ".parquet" else _lines(temporary, target, records)
        if catalogue:
            _replace_with(Path(f"{target}.catalogue.json"), orjson.dumps(catalogue, option=orjson.OPT_SORT_KEYS))
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
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [dict(record) for record in records]
    try:
        table = pa.Table.from_pylist(rows)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidInput(f"expected columns of one type each, got {error}; write JSON Lines instead") from error
    pq.write_table(table, temporary)
    return len(rows)


def _replace_with(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    temporary.write_bytes(content)
    temporary.replace(path)
