"""The cells within which draws are counted: slots of time, and levels of the log's columns."""

from __future__ import annotations

import numpy as np

from simulator.arrays import IntArray
from simulator.column_levels import ColumnLevels
from simulator.context_table import Factor
from simulator.log import MODES, Log
from simulator.sample_ratio.periods import SLOTS, Periods

__all__ = ["Cells"]

_COLUMNS = 32
#: Fields beside the context that stand before the draw and may come with a fault of their own.
_FIELDS = ("mode", "policy", "snapshot")
_NONE = np.iinfo(np.int64).max


class Cells:
    """Gives every row its cells: its slot of time, and one level of each column.

    Attributes:
        periods: What the slots of time are.
    """

    def __init__(self) -> None:
        self.periods = Periods()
        self._columns: dict[str, tuple[int, ColumnLevels]] = {}
        self._size = SLOTS
        self._lines: IntArray = np.full(SLOTS, _NONE)

    @property
    def size(self) -> int:
        """Number of cells so far."""
        return self._size

    def room(self, log: Log) -> IntArray | None:
        """Make room for a chunk; give each slot's new place when slots moved (see `Periods.room`)."""
        place = self.periods.room(log.decided_at)
        if place is not None:
            before = self._lines[:SLOTS].copy()
            self._lines[:SLOTS] = _NONE
            np.minimum.at(self._lines, place, before)
        return place

    def of(self, log: Log) -> IntArray:
        """Give the cells of each row, shape (n, 1 + columns)."""
        for name in (*sorted(log.context), *_FIELDS):
            if name not in self._columns and len(self._columns) < _COLUMNS and _column(log, name) is not None:
                levels = ColumnLevels(name)
                self._columns[name] = (self._size, levels)
                self._size += levels.size
        columns = [self.periods.slots(log.decided_at)]
        for name, (start, levels) in self._columns.items():
            column = _column(log, name)
            columns.append(start + (np.zeros(log.rows, np.int64) if column is None else levels.codes(column)))
        cells = np.stack(columns, axis=1)
        self._note(cells, log.line)
        return cells

    def line(self, cells: IntArray | slice) -> int:
        """Give the first line of some cells."""
        return int(self._lines[cells].min())

    def label(self, cell: int) -> str:
        """Name a cell of a column."""
        start, levels = self._columns[self.column(cell)]
        return levels.label(cell - start)

    def column(self, cell: int) -> str:
        """Name the column of a cell."""
        return max((start, name) for name, (start, _) in self._columns.items() if start <= cell)[1]

    def _note(self, cells: IntArray, line: IntArray) -> None:
        here = np.full(self._size, _NONE)
        # Of several rows the last one written stays, so that the first has to come last.
        here[cells[::-1].ravel()] = np.repeat(line[::-1], cells.shape[1])
        known = np.pad(self._lines, (0, self._size - self._lines.size), constant_values=_NONE)
        self._lines = np.minimum(known, here)


def _column(log: Log, name: str) -> Factor | None:
    if name in log.context:
        return log.context.factor(name)
    if name == "mode":
        return Factor(np.array(MODES, dtype=object), log.mode.astype(np.int32))
    values = log.extra.get(name)
    if values is None or not values.size:
        return None
    if isinstance(values[0], str) and bool((values == values[0]).all()):
        return Factor(values[:1], np.zeros(values.size, dtype=np.int32))
    return None if any(isinstance(value, list | dict) for value in values) else Factor.of(list(values))
