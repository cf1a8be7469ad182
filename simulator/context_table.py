"""Context attributes of many decisions, each value kept once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ContextTable", "Factor", "level_text"]


def level_text(value: object) -> str:
    """Write a value as text; 3 and 3.0 are one number, and which of them was written is not always known.

    >>> level_text(3.0), level_text(3), level_text(0.5), level_text(True), level_text("3")
    ('3', '3', '0.5', 'True', '3')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """One column, as places in a list of its distinct values; n rows.

    Attributes:
        levels: Distinct values, objects, shape (k,).
        codes: Place of each row's value, -1 where it is absent, shape (n,).
    """

    levels: NDArray[np.object_]
    codes: NDArray[np.int32]

    @classmethod
    def of(cls, values: Sequence[Any]) -> Factor:
        """Number values; None is absent. `True`, 1 and 1.0 are three values, as they are in JSON."""
        place: dict[tuple[type, Any], int] = {}
        codes = np.fromiter(
            (-1 if value is None else place.setdefault((type(value), value), len(place)) for value in values),
            dtype=np.int32,
            count=len(values),
        )
        levels = np.empty(len(place), dtype=object)
        levels[:] = [value for _, value in place]
        return cls(levels, codes)

    @classmethod
    def absent(cls, rows: int) -> Factor:
        """A column that no row states."""
        return cls(np.empty(0, dtype=object), np.full(rows, -1, dtype=np.int32))

    @property
    def values(self) -> NDArray[np.object_]:
        """The column as objects, None where absent, shape (n,)."""
        padded = np.empty(len(self.levels) + 1, dtype=object)
        padded[:-1] = self.levels
        return np.asarray(padded[self.codes])

    @property
    def numeric(self) -> bool:
        """Whether every level is a number or a boolean."""
        return all(isinstance(level, int | float) for level in self.levels)

    def numbers(self, absent: float) -> NDArray[np.float64]:
        """The column as numbers, `absent` where it is not stated, shape (n,); only for numeric columns."""
        padded = np.empty(len(self.levels) + 1)
        padded[:-1] = self.levels.astype(np.float64)
        padded[-1] = absent
        return np.asarray(padded[self.codes])

    def __getitem__(self, rows: slice | NDArray[Any]) -> Factor:
        return Factor(self.levels, self.codes[rows])


class ContextTable(Mapping[str, "NDArray[np.object_]"]):
    """Attribute → its values as objects; `factor` gives the compact form. Equal lengths."""

    def __init__(self, factors: Mapping[str, Factor]) -> None:
        self._factors = dict(factors)
        self._values: dict[str, NDArray[np.object_]] = {}

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> ContextTable:
        """Number the values of each column."""
        return cls({name: Factor.of(values) for name, values in columns.items()})

    def factor(self, name: str) -> Factor:
        """The compact form of one column."""
        return self._factors[name]

    def __getitem__(self, name: str) -> NDArray[np.object_]:
        if name not in self._values:
            self._values[name] = self._factors[name].values
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._factors)

    def __len__(self) -> int:
        return len(self._factors)

    def rows(self, rows: slice | NDArray[Any]) -> ContextTable:
        """Keep some rows, in the order given."""
        return ContextTable({name: factor[rows] for name, factor in self._factors.items()})

    def widened(self, names: Sequence[str], rows: int) -> ContextTable:
        """Have exactly these columns, those unknown so far absent in all of `rows` rows."""
        nothing = Factor.absent(rows)
        return ContextTable({name: self._factors.get(name, nothing) for name in names})
