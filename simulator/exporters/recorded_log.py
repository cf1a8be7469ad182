"""A log's records as they were written, checked, for exports that must not lose a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from simulator.log import Log
from simulator.log_builder import LogBuilder
from simulator.log_reader import catalogue_beside, json_records, parquet_records
from simulator.unusable_log import UnusableLog

__all__ = ["LogSurvey", "RecordedLog"]

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class LogSurvey:
    """What only the whole log tells.

    Attributes:
        catalogue: Arm id → what the file and the one beside it say of it.
        kinds: Outcome types that occur.
    """

    catalogue: Mapping[str, Mapping[str, Any]]
    kinds: frozenset[str]


class RecordedLog:
    """Reads a log in chunks, each as records and as columns; may be read again.

    Args:
        path: JSON Lines, gzipped or not, or Parquet.
    """

    def __init__(self, path: str) -> None:
        self._file = Path(path)

    def chunks(self) -> Iterator[tuple[list[dict[str, Any]], Log]]:
        """Yield records, without what is null, and the columns of the same rows.

        Raises:
            UnusableLog: When the file, a line or a field is not what the format says.
        """
        seen: dict[str, int] = {}
        is_parquet = self._file.suffix == ".parquet"
        rows = iter(parquet_records(self._file) if is_parquet else json_records(self._file))
        while chunk := list(islice(rows, _ROWS)):
            builder, records = LogBuilder(str(self._file)), []
            for line, record in chunk:
                builder.append(record, line)
                assert isinstance(record, dict)
                self._take_id(seen, record["decision_id"], line)
                records.append(_stated(record))
            yield records, builder.build()
        if not seen:
            raise UnusableLog("at least one decision", "an empty file", "check the path", file=str(self._file))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records alone, their inline arms left to the catalogue."""
        for records, _ in self.chunks():
            for record in records:
                record.pop("arms", None)
                yield record

    @cached_property
    def survey(self) -> LogSurvey:
        """Read the log once for what can only be known of the whole."""
        arms: dict[str, Mapping[str, Any]] = dict(catalogue_beside(self._file) or {})
        kinds: set[str] = set()
        for _, log in self.chunks():
            arms.update(log.catalogue)
            kinds.update(log.outcomes.kinds)
        return LogSurvey(arms, frozenset(kinds))

    def _take_id(self, seen: dict[str, int], key: str, line: int) -> None:
        first = seen.setdefault(key, line)
        if first != line:
            raise UnusableLog(
                "an id that occurs once",
                f"{key!r}, also on line {first}",
                "remove the repeat",
                field="decision_id",
                file=str(self._file),
                line=line,
            )


def _stated(record: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what is null, as Parquet fills in for each field that another row has."""
    kept = {name: value for name, value in record.items() if value is not None}
    for name in ("context", "excluded"):
        if isinstance(kept.get(name), dict):
            kept[name] = {field: value for field, value in kept[name].items() if value is not None}
    kept["outcomes"] = [
        {field: value for field, value in outcome.items() if value is not None} for outcome in kept["outcomes"]
    ]
    return kept
