"""Sums over draws whose probabilities are all known: how often each arm was drawn, and should have been."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import FloatArray, IntArray
from simulator.sample_ratio.dispersion import Dispersion
from simulator.sample_ratio.draws import Draws
from simulator.sample_ratio.periods import moved

__all__ = ["Counts", "grown"]


class Counts:
    """Observed count, decisions where the arm could be drawn, Σp and Σp², by arm and by cell and group of arms.

    Attributes:
        overall: Shape (4, arms).
        cells: Shape (4, cells, groups).
        dispersion: Of users' draws.
        decisions: Number of decisions.
    """

    def __init__(self) -> None:
        self.overall: FloatArray = np.zeros((4, 0))
        self.cells: NDArray[np.float64] = np.zeros((4, 0, 0))
        self.dispersion = Dispersion()
        self.decisions = 0.0

    def add(self, draws: Draws) -> None:
        """Take a block of rows."""
        if not draws.arm.size:
            return
        arms, groups = draws.sides.size, draws.groups
        self.overall = grown(self.overall, (4, arms))
        self.cells = grown(self.cells, (4, draws.cell_count, groups))
        self.overall[0] += np.bincount(draws.arm, draws.count, minlength=arms)
        p = draws.by_group(draws.p)
        powers = np.concatenate(((p > 0.0).astype(np.float64), p, p**2), axis=1)
        if groups == arms:
            self.overall[1:] += (draws.count @ powers).reshape(3, arms)
        else:
            self._add_apart(draws)
        self.cells[0] += draws.chosen_by_cell(draws.count)
        sums = draws.by_cell(powers)
        self.cells[1:] += sums.reshape(draws.cell_count, 3, groups).swapaxes(0, 1)
        self.dispersion.add(draws)
        self.decisions += float(draws.count.sum())

    def _add_apart(self, draws: Draws) -> None:
        """Add up every arm over the whole log, where cells tell only some of them apart."""
        times, p = draws.count[draws.row_of], draws.p
        for place, values in enumerate((times * (p > 0.0), times * p, times * p**2), start=1):
            self.overall[place] += np.bincount(draws.eligible, values, minlength=draws.sides.size)

    def move(self, place: IntArray) -> None:
        """Move slots of time to new places."""
        self.cells = moved(self.cells, place, 1)

    def merge(self, other: Counts) -> None:
        """Add what another has seen."""
        self.overall = grown(self.overall, other.overall.shape)
        self.overall += grown(other.overall, self.overall.shape)
        self.cells = grown(self.cells, other.cells.shape)
        self.cells += grown(other.cells, self.cells.shape)
        self.dispersion.merge(other.dispersion)
        self.decisions += other.decisions


def grown(sums: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Pad with zeros at the ends to at least a shape."""
    more = [(0, max(wanted - have, 0)) for have, wanted in zip(sums.shape, shape, strict=True)]
    return np.pad(sums, more) if any(after for _, after in more) else sums
