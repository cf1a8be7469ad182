"""The cells within which draws are counted: periods of the log, and levels of its columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import IntArray
from simulator.column_levels import ColumnLevels
from simulator.log import MODES, NO_TIME, Log
from simulator.timestamps import rfc3339

__all__ = ["PERIODS", "Cells"]

PERIODS = 32
_COLUMNS = 64
#: Fields beside the context that stand before the draw and may come with a fault of their own.
_FIELDS = ("policy", "snapshot")


class Cells:
    """Gives every row its cells: one period and one level of each column.

    Periods hold equally many decisions in the log's order. Their number is between 16 and 32: when the log outgrows
    them, neighbours are joined, so that neither the log's length nor its times need be known before.
    """

    def __init__(self) -> None:
        self._span = 1
        self._seen = 0
        self._columns: dict[str, tuple[int, ColumnLevels]] = {}
        self._size = PERIODS
        self._first: list[tuple[int, int]] = []
        self._lines = np.zeros(PERIODS, dtype=np.int64)

    @property
    def size(self) -> int:
        """Number of cells so far."""
        return self._size

    def joinings(self, decisions: int) -> int:
        """Make room for more decisions; say how often neighbouring periods had to be joined."""
        times = 0
        while self._seen + decisions > PERIODS * self._span:
            self._span *= 2
            times += 1
            self._first = self._first[::2]
        return times

    def of(self, log: Log) -> IntArray:
        """Give the cells of each row, shape (n, 1 + columns)."""
        before = self._seen + np.cumsum(log.count) - log.count
        period = np.minimum(before // self._span, PERIODS - 1)
        self._seen += log.decisions
        for place in range(len(self._first), int(period[-1]) + 1):
            row = min(int(np.searchsorted(period, place)), log.rows - 1)
            self._first.append((int(log.line[row]), int(log.decided_at[row])))
        for name in (*sorted(log.context), "mode", *_FIELDS):
            if name not in self._columns and len(self._columns) < _COLUMNS and _column(log, name) is not None:
                levels = ColumnLevels(name)
                self._columns[name] = (self._size, levels)
                self._size += levels.size
        columns = [period]
        for name, (start, levels) in self._columns.items():
            values = _column(log, name)
            columns.append(start + (np.zeros(log.rows, np.int64) if values is None else levels.codes(values)))
        cells = np.stack(columns, axis=1)
        self._note(cells, log.line)
        return cells

    def line(self, cell: int) -> int:
        """Give the first line of a cell, of the whole log for −1."""
        return self._first[max(cell, 0)][0] if cell < PERIODS else int(self._lines[cell])

    def _note(self, cells: IntArray, line: IntArray) -> None:
        here = np.zeros(self._size, dtype=np.int64)
        # Of several rows the last one written stays, so that the first has to come last.
        here[cells[::-1].ravel()] = np.repeat(line[::-1], cells.shape[1])
        known = np.pad(self._lines, (0, self._size - self._lines.size))
        self._lines = np.where(known > 0, known, here)

    def label(self, cell: int) -> str:
        """Name a cell."""
        if cell < PERIODS:
            line, at = self._first[cell]
            since = f" ({rfc3339(at)[:19]})" if at != NO_TIME else ""
            return f"period {cell + 1} of {len(self._first)}, from line {line}{since}"
        start, levels = self._columns[self.column(cell)]
        return levels.label(cell - start)

    def column(self, cell: int) -> str:
        """Name the column of a cell, `period` for a period."""
        if cell < PERIODS:
            return "period"
        return max((start, name) for name, (start, _) in self._columns.items() if start <= cell)[1]


def _column(log: Log, name: str) -> NDArray[np.object_] | None:
    if name in log.context:
        return log.context[name]
    if name == "mode":
        return np.array(MODES, dtype=object)[log.mode]
    values = log.extra.get(name)
    if values is None or any(isinstance(value, list | dict) for value in values):
        return None
    return values
