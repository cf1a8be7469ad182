"""Which decisions belong together: the users over whom everything is counted and resampled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import BoolArray, FloatArray, HashArray, IntArray
from simulator.keyed_hash import hash_strings, mix
from simulator.log import Log
from simulator.log_columns import column_values

__all__ = ["Clusters"]


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
        """Group the rows of a log by its users, or by another column.

        Args:
            log: The log.
            column: A context attribute or other field to cluster by instead of `user`.

        Raises:
            InvalidInput: When the log has no such column.
        """
        if column is None or column == "user":
            names, code = list(log.users), log.user
        else:
            values = column_values(log, column)
            names = sorted({str(value) for value in values if value is not None})
            place = {name: index for index, name in enumerate(names)}
            code = np.array([-1 if value is None else place[str(value)] for value in values], dtype=np.int64)
        known = code >= 0
        used, inverse = np.unique(code[known], return_inverse=True)
        unit = np.empty(log.rows, dtype=np.int64)
        unit[known] = inverse
        own = np.flatnonzero(~known)
        unit[own] = used.size + np.arange(own.size)
        labels = [names[index] for index in used] + [str(log.decision_ids[row]) for row in own]
        return cls(
            unit=unit,
            within=np.where(known, log.count, 1).astype(np.float64),
            multiplicity=np.concatenate((np.ones(used.size), log.count[own].astype(np.float64))),
            label=hash_strings(labels, "user"),
            part=np.concatenate((np.zeros(used.size, dtype=np.int64), log.part[own])),
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
        """Give Kish's effective number of clusters, (Σz)² / Σz², of the cluster totals z of row values.

        Source: Kish, Survey Sampling (1965), §8.2.
        """
        totals = self.totals(values)
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
