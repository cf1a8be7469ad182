"""Reads a log file piece by piece, the fast way where it can."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import polars as pl

from simulator.arm_names import ArmNames
from simulator.exclusions import capped
from simulator.frame_log import frame_log
from simulator.frame_outcomes import OUTCOME_FIELDS
from simulator.json_block import JsonBlock
from simulator.line_blocks import LineBlock, line_blocks
from simulator.log import Log
from simulator.log_builder import LogBuilder
from simulator.log_reader import decode_line, open_parquet, record_batches
from simulator.not_plain import NotPlain
from simulator.parquet_table import json_columns, restored

__all__ = ["LogParser"]

_SAMPLED = 200
#: Fields as polars shall read them; nested ones stay JSON text until it is known that they are needed.
_FIELDS: Mapping[str, Any] = {
    "schema": pl.String,
    "decision_id": pl.String,
    "decided_at": pl.String,
    "observed_until": pl.String,
    "user": pl.String,
    "mode": pl.String,
    "arm": pl.String,
    "propensity": pl.Float64,
    "eligible": pl.List(pl.String),
    "probabilities": pl.List(pl.Float64),
    "outcomes": pl.String,
    "context": pl.String,
    "embedding": pl.List(pl.Float32),
    "arms": pl.String,
    "count": pl.Int64,
}
#: Other fields that a replay looks at, with the type that they mostly have; more are read when they are asked for.
_EXTRA: Mapping[str, Any] = {
    "excluded": pl.String,
    "position": pl.Int64,
    "slate": pl.String,
    "snapshot": pl.String,
    "propensity_estimated": pl.Boolean,
}


class LogParser:
    """Turns the pieces of a file into logs that share a vocabulary of arms.

    A well-formed piece is read by polars, all columns at once. One in which anything is wrong or unusual is read record
    by record instead, with messages that name line and field, so that both ways accept the same logs.

    Args:
        path: `*.parquet`, or JSON Lines under any other name, gzipped when it begins like gzip.
        columns: Fields beyond those of the format, and those that a replay looks at, that shall be kept.

    Attributes:
        names: The vocabulary so far.
        width: Numbers in every embedding, None until one was seen.
        repeated_outcomes: How many outcomes were left out since their id had occurred in the same record.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path, self._columns = path, tuple(columns)
        self.names = ArmNames()
        self.width: int | None = None
        self.repeated_outcomes = 0

    def logs(self) -> Iterator[Log]:
        """Yield the file as consecutive logs; some may have no rows.

        Raises:
            UnusableLog: When the file, a line or a field is not what the format says.
        """
        for log in self._parquet() if self._path.suffix == ".parquet" else self._lines():
            if log.embedding is not None:
                self.width = log.embedding.shape[1]
            yield log

    def _lines(self) -> Iterator[Log]:
        schema: dict[str, Any] | None = None
        for block in line_blocks(self._path):
            if schema is None:
                schema = self._schema(block)
            plain = self._plain_lines(block, schema)
            yield self._one_by_one(self._decoded(block)) if plain is None else plain

    def _schema(self, block: LineBlock) -> dict[str, Any]:
        """Settle which fields to read, and how, from the first records."""
        usual = {**dict.fromkeys(self._columns, pl.String), **_EXTRA}
        seen: dict[str, list[object]] = {name: [] for name in usual}
        for text in block.content.split(b"\n", _SAMPLED)[:_SAMPLED]:
            try:
                record = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
            for name, values in seen.items() if isinstance(record, dict) else ():
                if record.get(name) is not None:
                    values.append(record[name])
        return {**{name: _dtype(values, usual[name]) for name, values in seen.items()}, **_FIELDS}

    def _plain_lines(self, block: LineBlock, schema: Mapping[str, Any]) -> Log | None:
        """Read a block the fast way; None when it is not to be read so."""
        mark = self.names.mark()
        lines = np.arange(block.line, block.line + block.lines, dtype=np.int64)
        try:
            frame = pl.read_ndjson(io.BytesIO(block.content), schema=dict(schema))
            content = JsonBlock(block.content)
            return frame_log(frame, str(self._path), lines, self.names, width=self.width, block=content)
        except (NotPlain, pl.exceptions.PolarsError):
            self.names.back_to(mark)
            return None

    def _decoded(self, block: LineBlock) -> Iterator[tuple[int, object]]:
        for line, text in enumerate(block.content.split(b"\n"), start=block.line):
            if text.strip():
                yield line, decode_line(text, self._path, line)

    def _parquet(self) -> Iterator[Log]:
        row = 0
        with open_parquet(self._path) as source:
            wanted = [name for name in source.schema_arrow.names if name in {*_FIELDS, *_EXTRA, *self._columns}]
            encoded = json_columns(source.schema_arrow)
            unusual = any(_matters(name, wanted) for name in encoded)
            for batch in record_batches(source, self._path, wanted):
                plain = None if unusual else self._plain_batch(batch, row + 1)
                if plain is None:
                    records = restored(batch.to_pylist(maps_as_pydicts="lossy"), encoded)
                    plain = self._one_by_one(enumerate(records, start=row + 1))
                yield plain
                row += batch.num_rows

    def _plain_batch(self, batch: Any, first: int) -> Log | None:
        mark = self.names.mark()
        lines = np.arange(first, first + batch.num_rows, dtype=np.int64)
        try:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            return frame_log(frame, str(self._path), lines, self.names, width=self.width)
        except (NotPlain, pl.exceptions.PolarsError):
            self.names.back_to(mark)
            return None

    def _one_by_one(self, records: Iterable[tuple[int, object]]) -> Log:
        builder = LogBuilder(str(self._path), self.names.names, self.width)
        for line, record in records:
            builder.append(record, line)
        log = builder.build()
        self.names.names = list(log.arms)
        self.names.catalogue.update(log.catalogue)
        self.repeated_outcomes += builder.repeated_outcomes
        kept = {name: log.extra[name] for name in (*_EXTRA, *self._columns) if name in log.extra}
        if "excluded" in kept:
            kept["excluded"][:] = [capped(excluded) for excluded in kept["excluded"]]
        return replace(log, extra=kept)


def _matters(encoded: str, wanted: Sequence[str]) -> bool:
    """Whether what stands as JSON in a Parquet file has to be decoded for a log."""
    field, _, inner = encoded.partition(".")
    return field in wanted and field != "excluded" and (field != "outcomes" or inner in OUTCOME_FIELDS)


def _dtype(values: Sequence[object], usual: Any) -> Any:
    """Choose the type that holds all values as they are; polars then refuses others, but for strings."""
    kinds = set(map(type, values))
    if not kinds:
        return usual
    if kinds == {bool}:
        return pl.Boolean
    if kinds <= {int, float}:
        return pl.Int64 if kinds == {int} else pl.Float64
    return pl.String
