"""What all policies that are judged on the same rows share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.clusters import Clusters
from simulator.log import Log
from simulator.quantities import Quantities
from simulator.resampling import Resampling
from simulator.totals import Totals

__all__ = ["ROWS", "Bench", "Part"]

#: Column of `Totals` that counts the rows of each bucket.
ROWS = "rows"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The rows of a chunk that a bench judges; n rows, m eligible arms in all.

    Attributes:
        log: The rows.
        quantities: What happened in each.
        predicted: Quantity → the reward model's word for every eligible arm, shape (m,).
        unit: User of each row, index into the clusters, shape (n,).
        bucket: Bucket of each row, shape (n,).
        within: How often the row occurs inside one user, shape (n,).
        unsupported: Eligible arms that the log never plays in such contexts, shape (m,); None where there are none.
    """

    log: Log
    quantities: Quantities
    predicted: Callable[[str], FloatArray]
    unit: IntArray
    bucket: IntArray
    within: FloatArray
    unsupported: BoolArray | None

    @property
    def choice(self) -> BoolArray:
        """Rows with more than one eligible arm; the others say nothing about a choice. Shape (n,)."""
        return np.asarray(self.log.lengths > 1)

    def select(self, rows: BoolArray) -> Part:
        """Keep some rows."""
        if bool(rows.all()):
            return self
        log, flat = self.log.select(rows), np.repeat(rows, self.log.lengths)
        return Part(
            log,
            self.quantities.on(log),
            lambda quantity: self.predicted(quantity)[flat],
            self.unit[rows],
            self.bucket[rows],
            self.within[rows],
            None if self.unsupported is None else self.unsupported[flat],
        )


class Bench:
    """Sums over the users whose rows are judged, and the bootstrap weights of those users.

    Shared by all policies judged on these rows, so that their estimates are paired: the same resample draws the same
    users for each.
    """

    def __init__(self, clusters: Clusters, resampling: Resampling) -> None:
        self.clusters = clusters
        self.resampling = resampling
        self.totals = Totals(resampling.weights, resampling.multiplicity.copy())
        #: Decisions with a choice inside one user of each entry, shape (U,).
        self.choices = np.zeros(clusters.size)
        self.decisions = 0
        self.decisions_with_choice = 0.0

    def add(self, part: Part) -> None:
        """Count the rows of a part."""
        self.totals.add(ROWS, part.bucket, part.within)
        np.add.at(self.choices, part.unit, part.within * part.choice)
        self.decisions += part.log.decisions
        self.decisions_with_choice += float(np.sum(part.log.count * part.choice))

    def close(self) -> None:
        """Leave users out of the count of users who turned out to have no row here."""
        if ROWS in self.totals:
            self.totals.multiplicity[self.totals.column(ROWS) == 0] = 0.0
