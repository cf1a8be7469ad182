"""Outcomes of all decisions of a log, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.runs import runs

__all__ = ["OutcomeTable", "identities"]


def identities(names: Sequence[str | None]) -> NDArray[np.int64]:
    """Hash the ids of outcomes, 0 where there is none; equal within one process. Shape (len(names),)."""
    return np.array([0 if name is None else hash(name) or 1 for name in names], dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeTable:
    """One entry an outcome; reductions to one number a decision are bin counts.

    Attributes:
        kinds: Outcome types that occur, in order of first sight.
        row: Which row of the log, in order of rows, shape (k,).
        kind: Index into `kinds`, shape (k,).
        value: Money for purchase, refund and cost, 1 unless stated for the others, shape (k,).
        at: Microseconds since the epoch, `NO_TIME` where not stated, shape (k,).
        identity: Hash of `outcome_id`, the same within one process; 0 where it has none, shape (k,).
    """

    kinds: tuple[str, ...]
    row: NDArray[np.int64]
    kind: NDArray[np.int32]
    value: NDArray[np.float64]
    at: NDArray[np.int64]
    identity: NDArray[np.int64]

    def _is(self, kind: str) -> NDArray[np.bool_]:
        if kind not in self.kinds:
            return np.zeros(self.row.size, dtype=bool)
        return np.asarray(self.kind == self.kinds.index(kind))

    def total(self, kind: str, rows: int) -> NDArray[np.float64]:
        """Sum the values of one type by decision, shape (rows,)."""
        mask = self._is(kind)
        return np.bincount(self.row[mask], weights=self.value[mask], minlength=rows).astype(np.float64)

    def occurred(self, kind: str, rows: int) -> NDArray[np.float64]:
        """Say 1.0 for each decision with any outcome of this type, shape (rows,)."""
        return (np.bincount(self.row[self._is(kind)], minlength=rows) > 0).astype(np.float64)

    def keep(self, mask: NDArray[np.bool_]) -> OutcomeTable:
        """Keep the outcomes where `mask`, shape (k,), is true; rows stay as they are numbered."""
        return self._picked(self.row[mask], mask)

    def slice(self, start: int, stop: int) -> OutcomeTable:
        """Keep the outcomes of the rows from `start` up to `stop`, numbered from 0; memory is shared."""
        first, last = np.searchsorted(self.row, (start, stop))
        return OutcomeTable(
            self.kinds,
            self.row[first:last] - start,
            self.kind[first:last],
            self.value[first:last],
            self.at[first:last],
            self.identity[first:last],
        )

    def take(self, rows: NDArray[np.int64], of: int) -> OutcomeTable:
        """Keep the outcomes of `rows` (indices into a log of `of` rows), numbered by their new place.

        A row taken more than once brings its outcomes each time.
        """
        found = np.bincount(self.row, minlength=of)
        starts = np.cumsum(found) - found
        kept = runs(starts[rows], found[rows])
        row = np.repeat(np.arange(rows.size), found[rows])
        return self._picked(row, kept)

    def _picked(self, row: NDArray[np.int64], kept: NDArray[np.bool_] | NDArray[np.int64]) -> OutcomeTable:
        return OutcomeTable(self.kinds, row, self.kind[kept], self.value[kept], self.at[kept], self.identity[kept])
