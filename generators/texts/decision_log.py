"""Rows of an exported decision log, JSON Lines or Parquet; see contracts, `armsreach.decision.v1`."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson

from engine.core.errors import InvalidInput, UnsupportedVersion

_SCHEMA = "armsreach.decision.v1"
_FAMILY = "armsreach.decision.v"


def decision_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Go through a log, one decision at a time.

    Raises:
        InvalidInput: Naming the line and what is wrong with it.
        UnsupportedVersion: A newer armsreach wrote it.
    """
    if not path.is_file():
        raise InvalidInput(
            "expected a decision log, .jsonl or .parquet, got no such file; check the path", field=str(path)
        )
    rows = _parquet_rows(path) if path.suffix == ".parquet" else _json_rows(path)
    for line, row in rows:
        field = f"{path.name}:{line}"
        if not isinstance(row, dict):
            raise InvalidInput(f"expected a JSON object, got {type(row).__name__}", field=field)
        schema = row.get("schema") or _SCHEMA
        if schema != _SCHEMA:
            if str(schema).startswith(_FAMILY):
                raise UnsupportedVersion(
                    f"{field}: {schema}, and this armsreach reads {_SCHEMA}; upgrade armsreach here"
                )
            raise InvalidInput(f"expected {_SCHEMA}, got another schema", field=field)
        for name, kind in (("decision_id", str), ("arm", str), ("propensity", float)):
            if not isinstance(row.get(name), kind if kind is str else (int, float)):
                raise InvalidInput(f"expected {name} in every row; is this a decision log?", field=f"{field}: {name}")
        if not 0.0 < float(row["propensity"]) <= 1.0:
            raise InvalidInput("expected a propensity above 0, up to 1", field=f"{field}: propensity")
        yield row


def variant_of(row: Mapping[str, Any]) -> str:
    """Name the variant of a row's arm; empty for `hold`."""
    arm = str(row["arm"])
    described = (row.get("arms") or {}).get(arm) or {}
    return "" if arm == "hold" else str(described.get("variant") or arm.split("/")[0])


def place_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """Name channel and slot of a row's arm, each empty where not known."""
    arm = str(row["arm"])
    described = (row.get("arms") or {}).get(arm) or {}
    parts = [*arm.split("/"), "", ""]
    return str(described.get("channel") or parts[1]), str(described.get("slot") or parts[2])


def _json_rows(path: Path) -> Iterator[tuple[int, Any]]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        for line, data in enumerate(file, 1):
            if data.strip():
                try:
                    yield line, orjson.loads(data)
                except orjson.JSONDecodeError as error:
                    message = f"expected a JSON object a line: {error.msg}"
                    raise InvalidInput(message, field=f"{path.name}:{line}") from None


def _parquet_rows(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InvalidInput("Parquet needs pyarrow; run pip install 'armsreach[simulator]'", field=str(path)) from error
    line = 0
    try:
        file = parquet.ParquetFile(path)
        # Columns that Parquet has no one type for stand as JSON text; the file's metadata names them.
        named = orjson.loads((file.schema_arrow.metadata or {}).get(b"armsreach.json", b"[]"))
        for batch in file.iter_batches(batch_size=4096):
            for row in batch.to_pylist():
                line += 1
                for name in named:
                    if isinstance(row.get(name), str):
                        row[name] = orjson.loads(row[name])
                yield line, row
    except (OSError, ValueError) as error:
        raise InvalidInput(f"expected Parquet: {type(error).__name__}", field=str(path)) from None
