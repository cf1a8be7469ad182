"""A column of many rows that has few different values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Repeated(Sequence[T]):
    """n rows, each one of a few values; work that depends on the value alone is done once a value.

    Attributes:
        values: The values; not all of them need occur.
        which: Shape (n,), int64: the value of each row.

    Examples:
        >>> column = Repeated(("email", "push"), np.array([0, 1, 1]))
        >>> list(column), column[1:].which.tolist()
        (['email', 'push', 'push'], [1, 1])
    """

    values: Sequence[T]
    which: np.ndarray

    @classmethod
    def all_of(cls, value: T, count: int) -> Repeated[T]:
        """One value in every row."""
        return cls((value,), np.zeros(count, dtype=np.int64))

    @classmethod
    def of(cls, rows: Sequence[T]) -> Repeated[T]:
        """Any rows as such a column; the same object counts as the same value."""
        if isinstance(rows, Repeated):
            return rows
        first = rows[0] if len(rows) else None
        if all(row is first for row in rows):
            return cls(rows[:1], np.zeros(len(rows), dtype=np.int64))
        numbers: dict[int, int] = {}
        which = [numbers.setdefault(id(row), len(numbers)) for row in rows]
        return cls(list(dict(zip(which, rows, strict=True)).values()), np.array(which, dtype=np.int64))

    def taken(self, rows: slice | np.ndarray | list[int]) -> Repeated[T]:
        """Some rows."""
        return Repeated(self.values, self.which[rows])

    def __len__(self) -> int:
        return len(self.which)

    def __iter__(self) -> Iterator[T]:
        return map(self.values.__getitem__, self.which.tolist())

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> Repeated[T]: ...

    def __getitem__(self, index: int | slice) -> T | Repeated[T]:
        if isinstance(index, slice):
            return self.taken(index)
        return self.values[self.which[index]]
