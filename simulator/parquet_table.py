"""A decision log as a Parquet table: which column has which type, and what stands in it as JSON.

Parquet wants one type a column. An attribute that is a number here and a text there, or a field that is an object of
changing shape, is written as JSON text; the file's metadata names such columns, so that reading gives back what was
written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["ParquetTypes", "json_columns", "restored", "write_parquet"]

Record = Mapping[str, Any]

_METADATA = b"armsreach.json"
_ROWS = 16_384
_EXACT = 2**53
_SIMPLE = {
    frozenset(): pa.null(),
    frozenset((bool,)): pa.bool_(),
    frozenset((int,)): pa.int64(),
    frozenset((float,)): pa.float64(),
    frozenset((int, float)): pa.float64(),
    frozenset((str,)): pa.string(),
}
#: Types of fields that the format fixes.
_FIXED: Mapping[str, pa.DataType] = {
    "propensity": pa.float64(),
    "count": pa.int64(),
    "eligible": pa.list_(pa.string()),
    "probabilities": pa.list_(pa.float64()),
    "embedding": pa.list_(pa.float32()),
    "excluded": pa.map_(pa.string(), pa.string()),
}


class _Kinds:
    """Types that were seen under one name."""

    def __init__(self) -> None:
        self._seen: set[type] = set()
        self._inexact = False

    def see(self, value: Any) -> None:
        """Take one value into account."""
        if value is not None:
            self._seen.add(type(value))
            self._inexact |= type(value) is int and not -_EXACT <= value <= _EXACT

    @property
    def type(self) -> pa.DataType | None:
        """The one type that holds all of them exactly, None when only JSON does."""
        found = _SIMPLE.get(frozenset(self._seen))
        return None if self._inexact else found


class ParquetTypes:
    """Sees every record once, then tells the table's columns."""

    def __init__(self) -> None:
        self._plain: dict[str, _Kinds] = {}
        self._inner: dict[str, dict[str, _Kinds]] = {"context": {}, "outcomes": {}}
        self._present: dict[str, None] = {}

    def see(self, record: Record) -> None:
        """Take one record into account."""
        for name, value in record.items():
            if value is None:
                continue
            self._present.setdefault(name)
            if name in self._inner:
                for fields in value if name == "outcomes" else (value,):
                    for inner, item in fields.items():
                        self._inner[name].setdefault(inner, _Kinds()).see(item)
            elif name not in _FIXED:
                self._plain.setdefault(name, _Kinds()).see(value)

    def schema(self) -> pa.Schema:
        """Give the columns, with what stands as JSON named in the metadata."""
        fields, encoded = [], []
        for name in self._present:
            made, as_json = self._column(name)
            encoded += as_json
            fields.append(pa.field(name, made))
        return pa.schema(fields, metadata={_METADATA: orjson.dumps(sorted(encoded))})

    def _column(self, name: str) -> tuple[pa.DataType, list[str]]:
        if name not in self._inner:
            made = _FIXED.get(name) or self._plain[name].type
            return (pa.string(), [name]) if made is None else (made, [])
        inner = self._inner[name]
        if not inner:
            # A struct without fields cannot be written; one field that is always null can.
            struct, encoded = pa.struct([pa.field("_", pa.null())]), []
        else:
            types = {field: kinds.type for field, kinds in inner.items()}
            encoded = [f"{name}.{field}" for field, made in types.items() if made is None]
            struct = pa.struct(
                [pa.field(field, pa.string() if made is None else made) for field, made in types.items()]
            )
        return (pa.list_(struct) if name == "outcomes" else struct), encoded


def write_parquet(path: Path, records: Iterable[Record], types: ParquetTypes) -> None:
    """Write records, chunk by chunk.

    Args:
        path: Where to.
        records: The records that `types` has seen.
        types: Tells the columns.
    """
    schema = types.schema()
    encoded = json_columns(schema)
    names = frozenset(name.split(".", 1)[0] for name in encoded)
    rows = iter(records)
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := [_encoded(record, encoded, names) for record in islice(rows, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))


def json_columns(schema: pa.Schema) -> frozenset[str]:
    """Name the columns, and the fields of `context` and `outcomes`, that hold JSON text."""
    named = (schema.metadata or {}).get(_METADATA)
    return frozenset(orjson.loads(named)) if named else frozenset()


def _encoded(record: Record, encoded: frozenset[str], names: frozenset[str]) -> dict[str, Any]:
    row = dict(record)
    for name in names & row.keys():
        row[name] = _converted(name, row[name], encoded, lambda value: orjson.dumps(value).decode())
    if isinstance(row.get("excluded"), dict):
        row["excluded"] = list(row["excluded"].items())
    return row


def restored(rows: Sequence[dict[str, Any]], encoded: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Decode what stands as JSON in rows as Parquet gives them."""
    names = frozenset(name.split(".", 1)[0] for name in encoded)
    for row in rows:
        for name in names & row.keys():
            row[name] = _converted(name, row[name], encoded, orjson.loads)
        yield row


def _converted(name: str, value: Any, encoded: frozenset[str], convert: Any) -> Any:
    if value is None:
        return None
    if name in encoded:
        return convert(value)
    if isinstance(value, list):
        return [_converted(name, item, encoded, convert) for item in value]
    return {
        field: convert(item) if item is not None and f"{name}.{field}" in encoded else item
        for field, item in value.items()
    }
