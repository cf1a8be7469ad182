"""A policy whose probabilities were computed elsewhere and lie in a file."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from simulator.log import Log
from simulator.log_reader import json_records, parquet_records
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.unusable_log import UnusableLog

__all__ = ["PolicyFile", "checked_probabilities"]


def checked_probabilities(values: object, arms: int) -> list[float] | None:
    """Return a distribution over `arms` arms as floats, or None when it is none (sum 1 within 1e-5)."""
    if not isinstance(values, list | tuple | np.ndarray) or len(values) != arms:
        return None
    try:
        numbers = [float(value) for value in values]
    except (TypeError, ValueError):
        return None
    # NaN fails the first comparison.
    if not all(0.0 <= value <= 1.0 + 1e-9 for value in numbers) or abs(math.fsum(numbers) - 1.0) > 1e-5:
        return None
    return numbers


class PolicyFile:
    """JSON Lines or Parquet of `decision_id` and `probabilities` in the order of the log's `eligible`.

    Rows of the file that the log does not have are passed over.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._place: dict[str, int] | None = None
        self._lines, self._starts, self._values = array("q"), array("q", [0]), array("d")
        self._missing, self._first_missing = 0, ""

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"file:{self._path}"

    def observe(self, log: Log) -> None:
        """Look for the decisions of a chunk.

        Raises:
            UnusableLog: When a line is malformed or repeats.
        """
        known = self._known()
        for decision_id in log.decision_ids:
            if decision_id not in known:
                self._first_missing = self._first_missing or str(decision_id)
                self._missing += 1

    def settle(self) -> tuple[str, ...]:
        """Refuse a file that lacks decisions of the log.

        Raises:
            UnusableLog: When it does.
        """
        if self._missing:
            self._refuse(
                "decision_id",
                "a line for every decision that is replayed",
                f"none for {self._missing} of them, first {self._first_missing!r}",
                "write the missing decisions, or narrow the replay with --where, --from and --to",
                None,
            )
        return ()

    def answer(self, log: Log) -> PolicyAnswer:
        """Look up every row's probabilities.

        Raises:
            UnusableLog: When a line has not one probability an eligible arm.
        """
        known, probabilities = self._known(), np.empty(log.eligible.size)
        values = np.frombuffer(self._values, dtype=np.float64) if self._values else np.zeros(0)
        for row, decision_id in enumerate(log.decision_ids):
            place = known[str(decision_id)]
            start, stop = self._starts[place], self._starts[place + 1]
            first, last = int(log.offsets[row]), int(log.offsets[row + 1])
            if stop - start != last - first:
                expected = f"{last - first} numbers in [0, 1] that sum to 1 within 1e-5"
                got = values[start:stop].tolist()
                remedy = "write one an eligible arm, in the log's order"
                self._refuse("probabilities", expected, got, remedy, self._lines[place])
            probabilities[first:last] = values[start:stop]
        return PolicyAnswer.everywhere(log, probabilities)

    def _known(self) -> dict[str, int]:
        """Read the file, once: place of each decision."""
        if self._place is None:
            self._place = {}
            for line, record in self._records():
                decision_id, values = self._checked(record, line)
                if decision_id in self._place:
                    self._refuse("decision_id", "each decision once", "a repeat", "remove the repeated line", line)
                self._place[decision_id] = len(self._lines)
                self._lines.append(line)
                self._values.extend(values)
                self._starts.append(len(self._values))
        return self._place

    def _records(self) -> Iterator[tuple[int, object]]:
        file = Path(self._path)
        return parquet_records(file) if file.suffix == ".parquet" else json_records(file)

    def _checked(self, record: object, line: int) -> tuple[str, list[float]]:
        if not isinstance(record, dict):
            self._refuse("", "an object", type(record).__name__, "write decision_id and probabilities a line", line)
        for name in ("decision_id", "probabilities"):
            if record.get(name) is None:
                self._refuse(name, "a value", "nothing", f"add `{name}` to the line", line)
        decision_id, values = record["decision_id"], record["probabilities"]
        if not isinstance(decision_id, str):
            self._refuse("decision_id", "a string", decision_id, "write ids as the log has them", line)
        checked = checked_probabilities(values, len(values) if isinstance(values, list) else 0)
        if checked is None:
            expected = "numbers in [0, 1] that sum to 1 within 1e-5, one an eligible arm"
            self._refuse("probabilities", expected, values, "write them in the log's order", line)
        return decision_id, checked

    def _refuse(self, field: str, expected: str, got: object, remedy: str, line: int | None) -> NoReturn:
        raise UnusableLog(expected, got, remedy, field=field, file=self._path, line=line)
