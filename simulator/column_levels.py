"""Sorts the values of a context column into few levels, chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import FloatArray, IntArray
from simulator.context_table import Factor

__all__ = ["ColumnLevels"]

_ABSENT, _OTHER, _FIRST = 0, 1, 2


class ColumnLevels:
    """Codes of a column's values: absent, other, then one a level of strings and booleans or a bin of numbers.

    Levels are those seen first, bins are quantiles of the first chunk with a number: neither depends on what was drawn
    or happened, so that tests within them stay tests. Memory is bounded by the number of levels.

    Args:
        name: Of the column, for labels.
        levels: Most levels told apart; later ones are "other".
        bins: Most bins of numbers; numbers with no more distinct values than that have a bin each.
    """

    def __init__(self, name: str, levels: int = 32, bins: int = 8) -> None:
        self._name, self._levels, self._bins = name, levels, bins
        self._codes: dict[Any, int] = {}
        self._edges: FloatArray | None = None

    @property
    def size(self) -> int:
        """Number of codes there can be."""
        return _FIRST + max(self._levels, self._bins + 1)

    def codes(self, column: Factor) -> IntArray:
        """Code the rows of a column, shape (n,)."""
        if self._edges is None and not self._codes:
            self._begin(column)
        of_level = self._binned(column.levels, self._edges) if self._edges is not None else self._named(column)
        return np.append(of_level, _ABSENT)[column.codes]

    def label(self, code: int) -> str:
        """Name a code's rows, such as `region = north` or `visits from 3 to below 5`."""
        if code == _ABSENT:
            return f"{self._name} absent"
        if code == _OTHER:
            return f"{self._name} = any other"
        if self._edges is None:
            value = next(value for value, known in self._codes.items() if known == code)
            return f"{self._name} = {str(value).lower() if isinstance(value, bool) else value}"
        edges, place = self._edges, code - _FIRST
        if place == 0:
            return f"{self._name} below {edges[0]:g}"
        if place == edges.size:
            return f"{self._name} from {edges[-1]:g}"
        return f"{self._name} from {edges[place - 1]:g} to below {edges[place]:g}"

    def _begin(self, column: Factor) -> None:
        if not column.levels.size or not all(_is_number(level) for level in column.levels):
            return
        numbers = column.levels.astype(np.float64)[column.codes[column.codes >= 0]]
        distinct = np.unique(numbers)
        if distinct.size > self._bins:
            distinct = np.unique(np.quantile(numbers, np.arange(self._bins) / self._bins))
        self._edges = distinct

    def _binned(self, levels: NDArray[np.object_], edges: FloatArray) -> IntArray:
        numbers = np.array([_number(level) for level in levels])
        codes = np.searchsorted(edges, numbers, side="right") + _FIRST
        codes[np.isnan(numbers)] = _OTHER
        return codes.astype(np.int64)

    def _named(self, column: Factor) -> IntArray:
        if len(self._codes) < self._levels:
            # In the order in which rows bring them.
            used, first = np.unique(column.codes, return_index=True)
            for code in used[np.argsort(first, kind="stable")]:
                if code >= 0 and len(self._codes) < self._levels:
                    self._codes.setdefault(column.levels[code], _FIRST + len(self._codes))
        return np.array([self._codes.get(level, _OTHER) for level in column.levels], dtype=np.int64)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
