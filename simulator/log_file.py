"""A log file that is read in chunks, whatever its size."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.log import CHUNK, Log
from simulator.log_parser import LogParser
from simulator.log_reader import catalogue_beside
from simulator.spool import Spool
from simulator.unusable_log import UnusableLog

__all__ = ["LogFile"]


class LogFile:
    """Reads a log once, checks it, and keeps its chunks for as many passes as a replay needs.

    It gives what `Log.read` gives, but for fields that nothing asks for, and of `excluded` keeps what speaks of a cap.
    A JSON object that names a field twice is not defined; reading it here may take the other value.

    Args:
        path: `*.parquet`, or JSON Lines under any other name, gzipped when it begins like gzip.
        columns: Fields beyond those of the format that shall be kept, for filters, groups and clusters.

    Raises:
        UnusableLog: When the file is missing or empty, or a line or field breaks the format.
    """

    def __init__(self, path: str | os.PathLike[str], columns: Sequence[str] = ()) -> None:
        self._path = Path(path)
        self._spool = Spool()
        self._contexts: dict[str, None] = {}
        self._extras: dict[str, None] = {}
        self._rows = 0
        ids: list[NDArray[np.uint64]] = []
        parser = LogParser(self._path, columns)
        for log in parser.logs():
            for chunk in log.chunks(CHUNK):
                ids.append(_hashes(chunk))
                self._keep(chunk)
        if not ids:
            raise UnusableLog(
                "at least one decision", "an empty file", "check the path and the export", file=str(self._path)
            )
        self._check_ids(np.concatenate(ids))
        repeated = parser.repeated_outcomes
        self._warnings = (f"{repeated} repeated outcomes (same outcome_id) were counted once",) if repeated else ()
        self._width = parser.width
        self._arms = tuple(parser.names.names)
        self._catalogue = {**(catalogue_beside(self._path) or {}), **parser.names.catalogue}

    @property
    def source(self) -> str:
        """See `LogSource`."""
        return str(self._path)

    @property
    def arms(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return self._arms

    @property
    def catalogue(self) -> Mapping[str, Mapping[str, Any]]:
        """See `LogSource`."""
        return self._catalogue

    @property
    def warnings(self) -> tuple[str, ...]:
        """See `LogSource`."""
        return self._warnings

    def __repr__(self) -> str:
        from simulator.report.notebook import log_text

        return log_text(self)

    def _repr_html_(self) -> str:
        from simulator.report.notebook import log_card

        return log_card(self)

    def chunks(self) -> Iterator[Log]:
        """See `LogSource`."""
        contexts = list(self._contexts)
        for chunk in self._spool:
            nothing = np.full(chunk.rows, None, dtype=object)
            embedding = chunk.embedding
            if embedding is None and self._width is not None:
                embedding = np.zeros((chunk.rows, self._width), dtype=np.float32)
            yield replace(
                chunk,
                arms=self._arms,
                catalogue=self._catalogue,
                context=chunk.context.widened(contexts, chunk.rows),
                embedding=embedding,
                extra={name: chunk.extra.get(name, nothing) for name in self._extras},
            )

    def _keep(self, chunk: Log) -> None:
        self._contexts.update(dict.fromkeys(chunk.context))
        self._extras.update(dict.fromkeys(chunk.extra))
        # What all chunks share is told once the file is read.
        self._spool.append(replace(chunk, arms=(), catalogue={}, warnings=(), first=self._rows))
        self._rows += chunk.rows

    def _check_ids(self, hashes: NDArray[np.uint64]) -> None:
        """Refuse a decision id that occurs twice anywhere in the file.

        Raises:
            UnusableLog: When one does.
        """
        hashes = np.sort(hashes)
        repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        if not repeated.size:
            return
        seen: dict[str, int] = {}
        for chunk in self._spool:
            for row in np.flatnonzero(np.isin(_hashes(chunk), repeated)):
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


def _hashes(chunk: Log) -> NDArray[np.uint64]:
    return pl.Series(chunk.decision_ids, dtype=pl.String).hash().to_numpy()
