"""The Upworthy Research Archive as a decision log.

Source: Matias, Munger, Le Quere and Ebersole, "The Upworthy Research Archive, a time series of 32,487 experiments in
U.S. media", Scientific Data 8 (2021), CC BY 4.0. Each test showed several packages of one story to viewers at random
with equal probability; the archive has impressions and clicks a package.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.importers.table_source import TableRow, table_rows
from simulator.log_reader import parquet_records

__all__ = ["FAULTY_WEEKS", "UpworthyTests"]

#: Weeks (year and ISO week) whose assignment was faulty by the archive's own notice; both ends are dropped.
FAULTY_WEEKS = (201325, 201402)
_COLUMNS = ("clickability_test_id", "headline", "impressions", "clicks", "test_week")


@dataclass(frozen=True, slots=True)
class UpworthyTests:
    """Packages by test, read whole: a row's eligible arms are all packages of its test.

    Attributes:
        tests: Test id → its packages, in the order of the source.
        dropped: Number of packages left out for their week.
    """

    tests: Mapping[str, Sequence[TableRow]]
    dropped: int

    @classmethod
    def read(cls, path: str) -> UpworthyTests:
        """Read the archive, CSV or Parquet.

        Raises:
            UnusableLog: When a line or field is not what the source should have.
        """
        tests: dict[str, list[TableRow]] = defaultdict(list)
        dropped = 0
        for row in _rows(path):
            if FAULTY_WEEKS[0] <= row.whole("test_week") <= FAULTY_WEEKS[1]:
                dropped += 1
                continue
            tests[row.text("clickability_test_id")].append(row)
        return cls(tests, dropped)

    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe every package for the catalogue beside the log."""
        return {
            _arm(test, place): {
                "variant": f"{test}.{place}",
                "channel": "web",
                "slot": "any",
                "features": {name: row.cells[name] for name in ("headline", "eyecatcher_id") if row.cells.get(name)},
            }
            for test, rows in self.tests.items()
            for place, row in enumerate(rows)
        }

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield at most two rows a package: its clicked and its unclicked impressions, with their count.

        Viewers have no id; the test is the user, so that intervals are clustered by test.

        Raises:
            UnusableLog: When a count is malformed or there are more clicks than impressions.
        """
        for test, rows in self.tests.items():
            eligible = [_arm(test, place) for place in range(len(rows))]
            for place, row in enumerate(rows):
                yield from _package(row, test, eligible, place)


def _package(row: TableRow, test: str, eligible: list[str], place: int) -> Iterator[dict[str, Any]]:
    impressions, clicks = row.whole("impressions"), row.whole("clicks")
    if clicks > impressions:
        row.refuse("clicks", f"at most the {impressions} impressions", clicks, "correct the row")
    shown: tuple[tuple[str, int, list[dict[str, str]]], ...] = (
        ("clicked", clicks, [{"type": "click"}]),
        ("unclicked", impressions - clicks, []),
    )
    for name, count, outcomes in shown:
        if count:
            yield {
                "schema": "armsreach.decision.v1",
                "decision_id": f"{test}.{place}.{name}",
                "campaign": "upworthy",
                "user": test,
                "arm": eligible[place],
                "propensity": 1 / len(eligible),
                "eligible": eligible,
                "count": count,
                "context": {"test_week": row.whole("test_week")},
                "outcomes": outcomes,
            }


def _arm(test: str, place: int) -> str:
    return f"{test}.{place}/web/any"


def _rows(path: str) -> Iterator[TableRow]:
    if Path(path).suffix != ".parquet":
        yield from table_rows(path, _COLUMNS)
        return
    for line, record in parquet_records(Path(path)):
        if not isinstance(record, dict):
            raise AssertionError(f"Parquet rows are dicts, got {type(record).__name__}")
        row = TableRow(path, line, {name: "" if value is None else str(value) for name, value in record.items()})
        for name in _COLUMNS:
            if name not in row.cells:
                row.refuse(name, f"a column {name!r}", "none", "check the file")
        yield row
