"""Sorts the values of a context column into few levels, chunk by chunk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import FloatArray, IntArray

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

    def codes(self, values: NDArray[np.object_]) -> IntArray:
        """Code each value, None being absent, shape (n,)."""
        if self._edges is None and not self._codes:
            self._begin(values)
        if self._edges is not None:
            return self._binned(values, self._edges)
        return self._named(values)

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

    def _begin(self, values: NDArray[np.object_]) -> None:
        stated = [value for value in values if value is not None]
        if not stated or not all(_is_number(value) for value in stated):
            return
        numbers = np.array(stated, dtype=np.float64)
        distinct = np.unique(numbers)
        if distinct.size > self._bins:
            distinct = np.unique(np.quantile(numbers, np.arange(self._bins) / self._bins))
        self._edges = distinct

    def _binned(self, values: NDArray[np.object_], edges: FloatArray) -> IntArray:
        try:
            numbers = values.astype(np.float64)
        except (TypeError, ValueError):
            numbers = np.array([_number(value) for value in values])
        codes = np.searchsorted(edges, numbers, side="right") + _FIRST
        absent = np.isnan(numbers)
        if absent.any():
            codes[absent] = [_ABSENT if value is None else _OTHER for value in values[absent]]
        return codes.astype(np.int64)

    def _named(self, values: NDArray[np.object_]) -> IntArray:
        listed = values.tolist()
        codes = self._found(listed)
        if len(self._codes) < self._levels and (codes == _OTHER).any():
            for value in dict.fromkeys(listed):
                if value is not None and len(self._codes) < self._levels:
                    self._codes.setdefault(value, _FIRST + len(self._codes))
            codes = self._found(listed)
        return codes

    def _found(self, values: list[object]) -> IntArray:
        find = {None: _ABSENT, **self._codes}.get
        return np.array([find(value, _OTHER) for value in values], dtype=np.int64)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else np.nan
