"""A decision log in columns: what every policy, estimator and report reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator.context_table import ContextTable
from simulator.outcome_table import OutcomeTable
from simulator.runs import runs

if TYPE_CHECKING:
    from simulator.log_file import LogFile

__all__ = ["CHUNK", "HOLD", "MODES", "NO_TIME", "VALUED_MODES", "Log"]

#: Rows that are worked on at a time: their numbers stay in the processor's caches.
CHUNK = 16_384
HOLD = "hold"
MODES = ("live", "control", "holdout", "shadow", "fallback", "forced")
#: Modes whose rows say what a policy is worth; the others are reported apart.
VALUED_MODES = ("live", "control", "fallback")
NO_TIME = np.iinfo(np.int64).min

Columns = Mapping[str, NDArray[np.object_]]


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """Decisions joined with their outcomes; n rows, m = total number of eligible arms over all rows.

    Attributes:
        source: Where it came from, for messages.
        line: Line of each row in its file, or number of the record, from 1, shape (n,).
        decision_ids: Shape (n,), objects.
        arms: Vocabulary of arm ids.
        arm: The chosen arm, index into `arms`, shape (n,).
        chosen: Place of the chosen arm among the row's eligible arms, shape (n,).
        propensity: P(arm | context, eligible, policy state) of the draw as made, shape (n,).
        offsets: Row i's eligible arms are `eligible[offsets[i]:offsets[i + 1]]`, shape (n + 1,).
        eligible: Indices into `arms`, shape (m,).
        probabilities: Of every eligible arm, NaN where none was kept, shape (m,).
        count: How many identical decisions the row stands for, shape (n,).
        part: Which part of its record the row is, 0 unless the record was parted (`parted`), shape (n,).
        mode: Index into `MODES`, shape (n,).
        users: Vocabulary of pseudonymous users.
        user: Index into `users`, -1 where the row has none, shape (n,).
        decided_at: Microseconds since the epoch, `NO_TIME` where not stated, shape (n,).
        observed_until: Until when the outcomes are complete, likewise, shape (n,).
        outcomes: All outcomes.
        context: Attribute → values, None where absent, each of shape (n,).
        embedding: Shape (n, d), or None when no row has one.
        catalogue: Arm id → {variant, channel, slot, features, embedding} where stated.
        extra: Other fields, known or not, kept as they came.
        warnings: What a reader of the results should know.
        first: How many rows of the whole stand before this log, where it is a chunk of one.
    """

    source: str
    line: NDArray[np.int64]
    decision_ids: NDArray[np.object_]
    arms: tuple[str, ...]
    arm: NDArray[np.int32]
    chosen: NDArray[np.int64]
    propensity: NDArray[np.float64]
    offsets: NDArray[np.int64]
    eligible: NDArray[np.int32]
    probabilities: NDArray[np.float64]
    count: NDArray[np.int64]
    part: NDArray[np.int64]
    mode: NDArray[np.int8]
    users: tuple[str, ...]
    user: NDArray[np.int64]
    decided_at: NDArray[np.int64]
    observed_until: NDArray[np.int64]
    outcomes: OutcomeTable
    context: ContextTable
    embedding: NDArray[np.float32] | None
    catalogue: Mapping[str, Mapping[str, Any]]
    extra: Columns
    warnings: tuple[str, ...] = ()
    first: int = 0

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Log:
        """Read a log file (JSON Lines, also gzipped, or Parquet).

        Raises:
            UnusableLog: When the file, a line or a field is not what the format says.
        """
        from simulator.log_reader import read_log

        return read_log(path)

    @staticmethod
    def scan(path: str | os.PathLike[str], columns: Sequence[str] = ()) -> LogFile:
        """Check a log file and keep it in chunks, in a fraction of the time and memory that `read` takes.

        Args:
            path: As for `read`.
            columns: Fields beyond those of the format that shall be kept, for filters, groups and clusters.

        Raises:
            UnusableLog: When the file, a line or a field is not what the format says.
        """
        from simulator.log_file import LogFile

        return LogFile(path, columns)

    def __repr__(self) -> str:
        from simulator.report.notebook import log_text

        return log_text(self)

    def _repr_html_(self) -> str:
        from simulator.report.notebook import log_card

        return log_card(self)

    @property
    def rows(self) -> int:
        """Number of rows, n."""
        return int(self.arm.size)

    @property
    def decisions(self) -> int:
        """Number of decisions: rows times their count."""
        return int(self.count.sum())

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of eligible arms of each row, shape (n,)."""
        return np.diff(self.offsets)

    @property
    def row_of(self) -> NDArray[np.int64]:
        """Row of every entry of `eligible`, shape (m,)."""
        return np.repeat(np.arange(self.rows), self.lengths)

    @property
    def chosen_at(self) -> NDArray[np.int64]:
        """Place of each row's chosen arm in the flat `eligible`, shape (n,)."""
        return np.asarray(self.offsets[:-1] + self.chosen)

    @property
    def valued(self) -> NDArray[np.bool_]:
        """Rows that say what a policy is worth (live, control, fallback), shape (n,)."""
        return np.isin(self.mode, [MODES.index(mode) for mode in VALUED_MODES])

    @property
    def common_eligible(self) -> NDArray[np.int64] | None:
        """The eligible arms of every row in the same order, shape (k,), or None when rows differ."""
        if not self.rows:
            return None
        first = self.eligible[: self.offsets[1]]
        if self.eligible.size != self.rows * first.size or not (self.lengths == first.size).all():
            return None
        same = bool((self.eligible.reshape(self.rows, first.size) == first).all())
        return first.astype(np.int64) if same else None

    @property
    def place(self) -> slice:
        """Where the rows stand in the whole, where this is a chunk."""
        return slice(self.first, self.first + self.rows)

    def code(self, arm: str) -> int | None:
        """Index of an arm id in `arms`, or None when the log does not know it."""
        return self.arms.index(arm) if arm in self.arms else None

    def row_sums(self, flat: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum a flat array of shape (m,) over each row's eligible arms, shape (n,)."""
        return np.add.reduceat(flat, self.offsets[:-1]) if self.rows else np.zeros(0)

    def chunks(self, rows: int = CHUNK) -> Iterator[Log]:
        """Yield the log as consecutive logs of at most so many rows, which share its memory."""
        for start in range(0, self.rows, rows):
            yield self.slice(start, min(start + rows, self.rows))

    def slice(self, start: int, stop: int) -> Log:
        """Make a log of the rows from `start` up to `stop`, which shares the memory of this one."""
        if (start, stop) == (0, self.rows):
            return self
        first, last = int(self.offsets[start]), int(self.offsets[stop])
        return replace(
            self,
            line=self.line[start:stop],
            decision_ids=self.decision_ids[start:stop],
            arm=self.arm[start:stop],
            chosen=self.chosen[start:stop],
            propensity=self.propensity[start:stop],
            offsets=self.offsets[start : stop + 1] - first,
            eligible=self.eligible[first:last],
            probabilities=self.probabilities[first:last],
            count=self.count[start:stop],
            part=self.part[start:stop],
            mode=self.mode[start:stop],
            user=self.user[start:stop],
            decided_at=self.decided_at[start:stop],
            observed_until=self.observed_until[start:stop],
            outcomes=self.outcomes.slice(start, stop),
            context=self.context.rows(slice(start, stop)),
            embedding=None if self.embedding is None else self.embedding[start:stop],
            extra={name: column[start:stop] for name, column in self.extra.items()},
            first=self.first + start,
        )

    def expected(self, probabilities: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Average values over each row's eligible arms by their probabilities, both of shape (m,); shape (n,)."""
        lengths = self.lengths
        if self.rows and bool((lengths == lengths[0]).all()):
            shape = self.rows, int(lengths[0])
            return np.einsum("nk,nk->n", probabilities.reshape(shape), values.reshape(shape))
        return self.row_sums(probabilities * values)

    def select(self, rows: NDArray[np.bool_]) -> Log:
        """Keep the rows where `rows`, shape (n,), is true."""
        if bool(rows.all()):
            return self
        return self.take(np.flatnonzero(rows))

    def take(self, index: NDArray[np.int64]) -> Log:
        """Make a log of the rows at `index`, in that order; a row may be taken more than once."""
        lengths = self.lengths[index]
        flat = runs(self.offsets[:-1][index], lengths)
        return replace(
            self,
            line=self.line[index],
            decision_ids=self.decision_ids[index],
            arm=self.arm[index],
            chosen=self.chosen[index],
            propensity=self.propensity[index],
            offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            eligible=self.eligible[flat],
            probabilities=self.probabilities[flat],
            count=self.count[index],
            part=self.part[index],
            mode=self.mode[index],
            user=self.user[index],
            decided_at=self.decided_at[index],
            observed_until=self.observed_until[index],
            outcomes=self.outcomes.take(index, self.rows),
            context=self.context.rows(index),
            embedding=None if self.embedding is None else self.embedding[index],
            extra={name: column[index] for name, column in self.extra.items()},
        )
