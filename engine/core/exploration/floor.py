"""The least probability that every eligible arm keeps, whatever a model says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Floor:
    """An exploration floor in two stages: over channel × slot cells, then over the variants in a cell.

    So a cell with forty variants is not explored forty times as much as a cell with one, and the log can always value
    a change of channel or slot. `hold` is a cell of its own.

    Attributes:
        total: Share of probability that the floor takes in all.
        hold: Least share of `hold`, part of `total` and below it.
    """

    total: float = 0.05
    hold: float = 0.01

    def __post_init__(self) -> None:
        if not 0.0 < self.total <= 1.0:
            raise ConfigError(f"expected a share above 0, up to 1, got {self.total}", field="floor.total")
        if not 0.0 < self.hold < self.total:
            raise ConfigError(
                f"expected a share above 0, below floor.total ({self.total}), or the other arms would have no floor;"
                f" got {self.hold}",
                field="floor.hold",
            )

    def mix(
        self, probabilities: np.ndarray, eligible: np.ndarray, cells: np.ndarray, shares: np.ndarray | None = None
    ) -> np.ndarray:
        """(1 − total) · policy + floor.

        Args:
            probabilities: Shape (n, k), the policy's own; rows sum to 1.
            eligible: Shape (n, k), bool; column 0 is `hold` and always true.
            cells: Shape (k,), the cell of each arm; `hold` alone is cell 0.
            shares: Shape (n, k): what `shares` gives for these, where it is at hand; it depends on the eligible set
                alone.

        Returns:
            Shape (n, k); rows sum to 1.
        """
        return (1.0 - self.total) * probabilities + (self.shares(eligible, cells) if shares is None else shares)

    def shares(self, eligible: np.ndarray, cells: np.ndarray) -> np.ndarray:
        """The floor's own share for each arm. Shape (n, k); rows sum to `total`."""
        arms_in_cell = _arms_in_cells(eligible, cells)
        open_cells = (arms_in_cell > 0).sum(axis=1)
        hold = np.where(open_cells > 1, np.maximum(self.total / open_cells, self.hold), self.total)
        per_cell = (self.total - hold) / np.maximum(open_cells - 1, 1)
        share = per_cell[:, None] / np.maximum(arms_in_cell, 1)
        share[:, 0] = hold
        return np.asarray(np.where(eligible, share[:, cells], 0.0))


_MANY = 256


def _arms_in_cells(eligible: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """How many arms each cell has open, shape (n, c); whole numbers, exact in any order of summation."""
    count = int(cells.max()) + 1
    if len(cells) > _MANY:  # the product below would touch every arm once for each cell
        n = len(eligible)
        rows, columns = np.nonzero(eligible)
        return np.bincount(rows * count + cells[columns], minlength=n * count).reshape(n, count)
    member = np.zeros((len(cells), count))
    member[np.arange(len(cells)), cells] = 1.0
    return np.asarray(eligible @ member)
