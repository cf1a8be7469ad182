"""A log file that is read in chunks, whatever its size."""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import polars as pl
from numpy.typing import NDArray

from simulator.frame_log import ArmNames, NotPlain, frame_log
from simulator.log import CHUNK, Log
from simulator.log_builder import LogBuilder
from simulator.log_reader import catalogue_beside, decode_line, open_lines, open_parquet, record_batches
from simulator.parquet_table import json_columns, restored
from simulator.spool import Spool
from simulator.unusable_log import UnusableLog

__all__ = ["LogFile"]

_BLOCK = 16 << 20
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
#: Other fields that a replay looks at; more are read when they are asked for.
_EXTRA: Mapping[str, Any] = {
    "excluded": pl.String,
    "position": pl.Int64,
    "slate": pl.String,
    "snapshot": pl.String,
    "propensity_estimated": pl.Boolean,
}
#: Strings that polars would also take from numbers, which the format does not.
_MUST_BE_TEXT = ("decision_id", "arm", "user", "mode", "decided_at", "observed_until", "schema")
_JSON_ALIKE = r"^(-?[0-9.eE+-]+|true|false|[\[{].*)$"
_NOT_QUOTED = rb'"%s"\s*:\s*[^"\sn]'


class LogFile:
    """Reads a log once, checks it, and keeps its chunks for as many passes as a replay needs.

    Well-formed blocks are read by polars, all columns at once. A block in which anything is wrong or unusual is read
    record by record instead, with messages that name line and field, so that both ways accept the same logs.

    Args:
        path: `*.parquet`, or JSON Lines under any other name, gzipped when it begins like gzip.
        columns: Fields beyond those of the format that shall be kept, for filters, groups and clusters.

    Raises:
        UnusableLog: When the file is missing or empty, or a line or field breaks the format.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str] = ()) -> None:
        self._path = Path(path)
        self._columns = tuple(columns)
        self._names = ArmNames()
        self._spool = Spool()
        self._contexts: dict[str, None] = {}
        self._extras: dict[str, None] = {}
        self._warnings: list[str] = []
        self._width: int | None = None
        self._ids: list[NDArray[np.uint64]] = []
        self._repeated_outcomes = 0
        read = self._parquet if self._path.suffix == ".parquet" else self._lines
        for chunk in read():
            self._keep(chunk)
        if not self._ids:
            raise UnusableLog(
                "at least one decision", "an empty file", "check the path and the export", file=str(self._path)
            )
        self._check_ids()
        if self._repeated_outcomes:
            self._warnings.append(f"{self._repeated_outcomes} repeated outcomes (same outcome_id) were counted once")
        self._catalogue = {**(catalogue_beside(self._path) or {}), **self._names.catalogue}

    @property
    def source(self) -> str:
        """See `LogSource`."""
        return str(self._path)

    @property
    def arms(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return tuple(self._names.names)

    @property
    def catalogue(self) -> Mapping[str, Mapping[str, Any]]:
        """See `LogSource`."""
        return self._catalogue

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return tuple(self._warnings)

    def __repr__(self) -> str:
        from simulator.report.notebook import log_text

        return log_text(self)

    def _repr_html_(self) -> str:
        from simulator.report.notebook import log_card

        return log_card(self)

    def chunks(self) -> Iterator[Log]:
        """See `LogSource`."""
        arms, contexts = self.arms, list(self._contexts)
        for chunk in self._spool:
            nothing = np.full(chunk.rows, None, dtype=object)
            yield replace(
                chunk,
                arms=arms,
                catalogue=self._catalogue,
                context=chunk.context.widened(contexts, chunk.rows),
                extra={name: chunk.extra.get(name, nothing) for name in self._extras},
            )

    def _keep(self, log: Log) -> None:
        for chunk in log.chunks(CHUNK):
            self._contexts.update(dict.fromkeys(chunk.context))
            self._extras.update(dict.fromkeys(chunk.extra))
            self._ids.append(pl.Series(chunk.decision_ids, dtype=pl.String).hash().to_numpy())
            self._spool.append(self._with_embedding(chunk))

    def _with_embedding(self, chunk: Log) -> Log:
        """Hold all chunks to one width, and fill in zeros where a chunk has no embedding at all."""
        width = None if chunk.embedding is None else chunk.embedding.shape[1]
        if width is not None and self._width is None:
            self._width = width
        if width is not None and width != self._width:
            raise UnusableLog(
                f"{self._width} numbers as in the rows before",
                width,
                "use one embedding model",
                field="embedding",
                file=str(self._path),
                line=int(chunk.line[0]),
            )
        if width is None and self._width is not None:
            return replace(chunk, embedding=np.zeros((chunk.rows, self._width), dtype=np.float32))
        return chunk

    def _lines(self) -> Iterator[Log]:
        line = 0
        with open_lines(self._path) as file:
            schema: dict[str, Any] | None = None
            for block in _blocks(file, self._path):
                if schema is None:
                    schema = self._schema(block)
                ends = block.count(b"\n")
                yield self._block(block, schema, line + 1, ends)
                line += ends

    def _schema(self, block: bytes) -> dict[str, Any]:
        """Settle which fields to read, and how, from the first records."""
        schema = {**_FIELDS, **_EXTRA}
        for text in block.split(b"\n", _SAMPLED)[:_SAMPLED]:
            try:
                record = orjson.loads(text)
            except orjson.JSONDecodeError:
                continue
            for name in self._columns:
                if isinstance(record, dict) and name not in schema and record.get(name) is not None:
                    schema[name] = _dtype(record[name])
        return schema

    def _block(self, block: bytes, schema: Mapping[str, Any], line: int, ends: int) -> Log:
        known = len(self._names.names), dict(self._names.catalogue)
        try:
            frame = pl.read_ndjson(io.BytesIO(block), schema=dict(schema))
            if _numbers_as_text(frame, block):
                raise NotPlain
            return frame_log(frame, self.source, np.arange(line, line + ends, dtype=np.int64), self._names)
        except (NotPlain, pl.exceptions.PolarsError):
            del self._names.names[known[0] :]
            self._names.catalogue = known[1]
        records = (
            (line + number, decode_line(text, self._path, line + number))
            for number, text in enumerate(block.split(b"\n"))
            if text.strip()
        )
        return self._one_by_one(records)

    def _parquet(self) -> Iterator[Log]:
        row = 0
        with open_parquet(self._path) as source:
            wanted = [name for name in source.schema_arrow.names if name in {*_FIELDS, *_EXTRA, *self._columns}]
            encoded = json_columns(source.schema_arrow)
            unusual = any(name.split(".", 1)[0] in {*wanted} - {"excluded"} for name in encoded)
            for batch in record_batches(source, self._path, wanted):
                known = len(self._names.names), dict(self._names.catalogue)
                lines = np.arange(row + 1, row + 1 + batch.num_rows, dtype=np.int64)
                try:
                    frame = pl.from_arrow(batch)
                    if unusual or not isinstance(frame, pl.DataFrame):
                        raise NotPlain
                    yield frame_log(frame, self.source, lines, self._names)
                except (NotPlain, pl.exceptions.PolarsError):
                    del self._names.names[known[0] :]
                    self._names.catalogue = known[1]
                    rows = restored(batch.to_pylist(maps_as_pydicts="lossy"), encoded)
                    yield self._one_by_one(zip(lines.tolist(), rows, strict=True))
                row += batch.num_rows

    def _one_by_one(self, records: Any) -> Log:
        builder = LogBuilder(self.source, self._names.names)
        for line, record in records:
            builder.append(record, line)
        log = builder.build()
        self._names.names = list(log.arms)
        self._names.catalogue.update(log.catalogue)
        self._repeated_outcomes += builder.repeated_outcomes
        return log

    def _check_ids(self) -> None:
        """Refuse a decision id that occurs twice anywhere in the file.

        Raises:
            UnusableLog: When one does.
        """
        hashes = np.sort(np.concatenate(self._ids))
        repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        self._ids = self._ids[:1]
        if not repeated.size:
            return
        seen: dict[str, int] = {}
        for chunk in self._spool:
            own = pl.Series(chunk.decision_ids, dtype=pl.String).hash().to_numpy()
            for row in np.flatnonzero(np.isin(own, repeated)):
                decision_id, line = str(chunk.decision_ids[row]), int(chunk.line[row])
                if decision_id in seen:
                    raise UnusableLog(
                        "an id that occurs once",
                        f"{decision_id!r}, also on line {seen[decision_id]}",
                        "join outcomes to their decision before writing the log, or remove the repeat",
                        field="decision_id",
                        file=self.source,
                        line=line,
                    )
                seen[decision_id] = line


def _blocks(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield whole lines, some megabytes at a time."""
    left = b""
    try:
        while read := file.read(_BLOCK):
            end = read.rfind(b"\n") + 1
            if end:
                yield left + read[:end]
                left = read[end:]
            else:
                left += read
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UnusableLog("a whole gzip file", str(error), "copy or export the file again", file=str(path)) from error
    if left.strip():
        yield left + b"\n"


def _dtype(value: object) -> Any:
    if isinstance(value, bool):
        return pl.Boolean
    if isinstance(value, int):
        return pl.Int64
    return pl.Float64 if isinstance(value, float) else pl.String


def _numbers_as_text(frame: pl.DataFrame, block: bytes) -> bool:
    """Whether a field of text was something else: polars takes its JSON for the text, which then looks like JSON."""
    for name in _MUST_BE_TEXT:
        if frame[name].str.contains(_JSON_ALIKE).any() and re.search(_NOT_QUOTED % name.encode(), block):
            return True
    return bool(frame["eligible"].explode().unique().str.contains(_JSON_ALIKE).any())
