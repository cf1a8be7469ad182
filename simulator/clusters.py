"""Which decisions belong together: the users over whom everything is counted and resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.arrays import BoolArray, FloatArray, HashArray, IntArray
from simulator.context_table import Factor, level_text
from simulator.keyed_hash import hash_strings, mix
from simulator.log import Log
from simulator.log_columns import column_values

__all__ = ["Clusters", "Membership"]


@dataclass(frozen=True, slots=True, eq=False)
class Membership:
    """Whose each row is, before anything is counted.

    Attributes:
        label: Hash of the row's user, or of its decision where it has none, shape (n,).
        known: Whether the row has a user, shape (n,).
        count: How many decisions the row stands for, shape (n,).
        part: Which part of its record the row is, shape (n,).
    """

    label: HashArray
    known: BoolArray
    count: IntArray
    part: IntArray

    @classmethod
    def of(cls, log: Log, column: str | None = None) -> Membership:
        """Look up the users of a log's rows, or the values of another column.

        Args:
            log: The log, or a chunk of one.
            column: A context attribute or other field to cluster by instead of `user`.

        Raises:
            InvalidInput: When the log has no such column.
        """
        if column is None or column == "user":
            names, code = list(log.users), log.user
        else:
            factor = Factor.of([None if value is None else level_text(value) for value in column_values(log, column)])
            names, code = list(factor.levels), factor.codes.astype(np.int64)
        known = code >= 0
        label = np.zeros(log.rows, dtype=np.uint64)
        # A chunk of a log in memory brings the vocabulary of the whole; only its own users are hashed.
        used, place = np.unique(code[known], return_inverse=True)
        label[known] = hash_strings([names[index] for index in used], "user")[place]
        own = np.flatnonzero(~known)
        label[own] = hash_strings([str(log.decision_ids[row]) for row in own], "user")
        return cls(label, known, log.count, log.part)

    @classmethod
    def joined(cls, parts: Sequence[Membership]) -> Membership:
        """Put the memberships of consecutive chunks together."""
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts]) for name in ("label", "known", "count", "part"))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Rows grouped by user; U clusters.

    A row without a user is a cluster of its own. If such a row stands for `count` decisions, these are `count`
    independent clusters that look alike: one entry with that multiplicity.

    Attributes:
        unit: Cluster of every row, shape (n,).
        within: How often the row occurs inside one cluster, shape (n,).
        multiplicity: How many clusters the entry stands for, shape (U,).
        label: Hash of the user, or of the decision where there is none, shape (U,).
        part: Which part of its record the entry is, 0 where it was not parted, shape (U,).
        clustered: Whether every row has a user.
    """

    unit: IntArray
    within: FloatArray
    multiplicity: FloatArray
    label: HashArray
    part: IntArray
    clustered: bool

    @classmethod
    def of(cls, log: Log, column: str | None = None) -> Clusters:
        """Group the rows of a log by its users, or by another column; see `Membership.of`."""
        return cls.grouping(Membership.of(log, column))

    @classmethod
    def grouping(cls, rows: Membership) -> Clusters:
        """Group rows whose membership is known."""
        known = rows.known
        used, inverse = np.unique(rows.label[known], return_inverse=True)
        unit = np.empty(known.size, dtype=np.int64)
        unit[known] = inverse
        own = np.flatnonzero(~known)
        unit[own] = used.size + np.arange(own.size)
        return cls(
            unit=unit,
            within=np.where(known, rows.count, 1).astype(np.float64),
            multiplicity=np.concatenate((np.ones(used.size), rows.count[own].astype(np.float64))),
            label=np.concatenate((used, rows.label[own])),
            part=np.concatenate((np.zeros(used.size, dtype=np.int64), rows.part[own])),
            clustered=bool(known.all()),
        )

    @property
    def size(self) -> int:
        """Number of entries, U."""
        return int(self.multiplicity.size)

    @property
    def key(self) -> HashArray:
        """Hash of each entry, its part included, shape (U,)."""
        return np.where(self.part > 0, mix(self.label ^ mix(self.part.astype(np.uint64))), self.label)

    def totals(self, values: FloatArray) -> FloatArray:
        """Sum row values, shape (n,), over one cluster of each entry, shape (U,)."""
        return np.bincount(self.unit, weights=values * self.within, minlength=self.size).astype(np.float64)

    def effective(self, values: FloatArray) -> float:
        """Give `effective_size` of the cluster totals of row values, shape (n,)."""
        return self.effective_size(self.totals(values))

    def effective_size(self, totals: FloatArray) -> float:
        """Give Kish's effective number of clusters, (Σz)² / Σz², of cluster totals z, shape (U,).

        Source: Kish, Survey Sampling (1965), §8.2.
        """
        square = float(np.sum(self.multiplicity * totals**2))
        return 0.0 if square == 0.0 else float(np.sum(self.multiplicity * totals)) ** 2 / square

    def present(self, rows: BoolArray) -> float:
        """Count the clusters that have at least one of the rows."""
        return float(np.sum(self.multiplicity[np.unique(self.unit[rows])]))

    def folds(self, folds: int, seed: int, domain: str) -> IntArray:
        """Deal the users into folds by hash: a user's rows share one, parts of a record take turns, shape (n,)."""
        salt = hash_strings([f"{domain}:{seed}"])[0]
        dealt = (mix(self.label ^ salt) % np.uint64(folds)).astype(np.int64)
        return ((dealt + self.part) % folds)[self.unit]
