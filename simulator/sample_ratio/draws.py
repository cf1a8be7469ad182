"""A block of drawn rows, as the sums of the sample-ratio test see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_array

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.keyed_hash import hash_strings
from simulator.log import Log
from simulator.outcome_table import OutcomeTable

__all__ = ["APART", "Draws", "complete_probabilities", "drawn_rows", "user_hashes"]

#: Arms told apart within cells, in order of first sight; later ones are one group. Over the whole log all are.
APART = 128
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """Rows of one kind; b rows, m eligible arms in all, g groups of arms, c + 1 cells a row.

    Attributes:
        arm: Chosen arm, code over all chunks, shape (b,).
        propensity: Of the chosen arm, shape (b,).
        eligible: Codes over all chunks, shape (m,).
        p: Probability of each eligible arm, shape (m,).
        row_of: Shape (m,).
        count: Shape (b,).
        cells: Shape (b, c + 1).
        cell_count: Number of cells so far.
        user: Hash of the user, 0 where the row has none, shape (b,).
        sides: A number in [−1, 1) for each arm code, to tell arms apart by.
    """

    arm: IntArray
    propensity: FloatArray
    eligible: IntArray
    p: FloatArray
    row_of: IntArray
    count: FloatArray
    cells: IntArray
    cell_count: int
    user: IntArray
    sides: FloatArray

    @property
    def groups(self) -> int:
        """Number of groups of arms so far."""
        return min(self.sides.size, APART + 1)

    @property
    def group(self) -> IntArray:
        """Group of the chosen arm, shape (b,)."""
        return np.minimum(self.arm, APART)

    def select(self, rows: BoolArray) -> Draws:
        """Keep some rows."""
        flat = rows[self.row_of]
        place = np.cumsum(rows) - 1
        return replace(
            self,
            arm=self.arm[rows],
            propensity=self.propensity[rows],
            eligible=self.eligible[flat],
            p=self.p[flat],
            row_of=place[self.row_of[flat]],
            count=self.count[rows],
            cells=self.cells[rows],
            user=self.user[rows],
        )

    def by_group(self, values: FloatArray) -> FloatArray:
        """Sum values of eligible arms, shape (m,), by row and group, shape (b, g)."""
        key = self.row_of * self.groups + np.minimum(self.eligible, APART)
        size = self.arm.size * self.groups
        return _summed(key, values, size).reshape(self.arm.size, self.groups)

    def by_cell(self, values: FloatArray) -> FloatArray:
        """Sum rows of values, shape (b, k), times their count, over the rows of each cell, shape (cells, k)."""
        rows, width = self.cells.shape
        starts = np.arange(rows + 1) * width
        one_hot = csr_array((np.repeat(self.count, width), self.cells.ravel(), starts), shape=(rows, self.cell_count))
        return np.asarray(one_hot.T @ values)

    def chosen_by_cell(self, values: FloatArray) -> FloatArray:
        """Sum values of rows, shape (b,), by cell and group of the chosen arm, shape (cells, g)."""
        key = self.cells * self.groups + self.group[:, None]
        weights = np.repeat(values, self.cells.shape[1])
        size = self.cell_count * self.groups
        return _summed(key.ravel(), weights, size).reshape(self.cell_count, self.groups)


def drawn_rows(log: Log) -> Iterator[Log]:
    """Yield the rows where something was drawn (valued, several eligible arms), in blocks that fit in memory."""
    none = np.zeros(0, dtype=np.int64)
    outcomes = OutcomeTable((), none, none.astype(np.int32), np.zeros(0), none, none)
    bare = replace(log, embedding=None, outcomes=outcomes)
    drawn = bare.select(log.valued & (log.lengths > 1))
    step = max(1, _BLOCK // min(max(len(log.arms), 1), APART + 1))
    for start in range(0, drawn.rows, step):
        whole = start == 0 and drawn.rows <= step
        yield drawn if whole else drawn.take(np.arange(start, min(start + step, drawn.rows)))


def complete_probabilities(log: Log) -> tuple[FloatArray, BoolArray]:
    """Give every eligible arm's probability, shape (m,), and the rows where all are known, shape (n,).

    A chosen arm without one has its propensity, and a single other arm without one has what is left.
    """
    p = log.probabilities.copy()
    chosen = log.chosen_at
    p[chosen] = np.where(np.isnan(p[chosen]), log.propensity, p[chosen])
    unknown = np.isnan(p)
    missing = log.row_sums(unknown.astype(np.float64))
    if (missing == 1).any():
        left = np.clip(1.0 - log.row_sums(np.where(unknown, 0.0, p)), 0.0, 1.0)
        row_of = log.row_of
        filled = unknown & (missing == 1)[row_of]
        p[filled] = left[row_of[filled]]
    return p, np.asarray(missing <= 1)


def user_hashes(log: Log) -> IntArray:
    """Hash each row's user, 0 where it has none, shape (n,)."""
    known, place = np.unique(log.user, return_inverse=True)
    hashes = np.zeros(known.size, dtype=np.uint64)
    stated = known >= 0
    hashes[stated] = hash_strings([log.users[code] for code in known[stated]], "draws") | np.uint64(1)
    return (hashes >> np.uint64(1)).astype(np.int64)[place]


def _summed(key: IntArray, values: FloatArray, size: int) -> FloatArray:
    return np.bincount(key, weights=values, minlength=size).astype(np.float64, copy=False)
