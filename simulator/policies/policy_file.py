"""A policy whose probabilities were computed elsewhere and lie in a file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np

from simulator.arrays import FloatArray
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


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """JSON Lines or Parquet of `decision_id` and `probabilities` in the order of the log's `eligible`."""

    path: str

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"file:{self.path}"

    def answer(self, log: Log) -> PolicyAnswer:
        """Look up every row's probabilities; rows of the file that the log does not have are passed over.

        Raises:
            UnusableLog: When a line is malformed or repeats, or a decision of the log is missing.
        """
        # The parts of a parted record share its id; they follow each other.
        place: dict[object, list[int]] = {}
        for row, decision_id in enumerate(log.decision_ids):
            place.setdefault(decision_id, []).append(row)
        answered = np.zeros(log.rows, dtype=bool)
        probabilities: FloatArray = np.zeros(log.eligible.size)
        for line, record in self._records():
            rows = self._rows(record, line, place)
            if not rows:
                continue
            if answered[rows[0]]:
                self._refuse("decision_id", "each decision once", "a repeat", "remove the repeated line", line)
            values = record["probabilities"] if isinstance(record, dict) else None
            arms = int(log.lengths[rows[0]])
            checked = checked_probabilities(values, arms)
            if checked is None:
                expected = f"{arms} numbers in [0, 1] that sum to 1 within 1e-5"
                self._refuse("probabilities", expected, values, "write one an eligible arm, in the log's order", line)
            probabilities[log.offsets[rows[0]] : log.offsets[rows[-1] + 1]] = checked * len(rows)
            answered[rows] = True
        if not answered.all():
            missing = log.decision_ids[np.flatnonzero(~answered)[0]]
            self._refuse(
                "decision_id",
                "a line for every decision that is replayed",
                f"none for {int(np.sum(~answered))} of them, first {missing!r}",
                "write the missing decisions, or narrow the replay with --where, --from and --to",
                None,
            )
        return PolicyAnswer.everywhere(log, probabilities)

    def _records(self) -> Iterator[tuple[int, object]]:
        file = Path(self.path)
        return parquet_records(file) if file.suffix == ".parquet" else json_records(file)

    def _rows(self, record: object, line: int, place: Mapping[object, list[int]]) -> list[int]:
        if not isinstance(record, dict):
            self._refuse("", "an object", type(record).__name__, "write decision_id and probabilities a line", line)
        for name in ("decision_id", "probabilities"):
            if record.get(name) is None:
                self._refuse(name, "a value", "nothing", f"add `{name}` to the line", line)
        decision_id = record["decision_id"]
        if not isinstance(decision_id, str):
            self._refuse("decision_id", "a string", decision_id, "write ids as the log has them", line)
        return place.get(decision_id, [])

    def _refuse(self, field: str, expected: str, got: object, remedy: str, line: int | None) -> NoReturn:
        raise UnusableLog(expected, got, remedy, field=field, file=self.path, line=line)
