"""A policy: a distribution over arms for contexts. It never draws and remembers no decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from engine.core.exploration.explorer import Explorer
from engine.core.exploration.floor import Floor
from engine.core.exploration.uniform import Uniform


class CostModel(Protocol):
    """Predicts the cost of every arm; `ScoringMatrix` is one."""

    def costs(self, rows: np.ndarray) -> np.ndarray:
        """Predicted costs, shape (n, k), for rows of shape (n, d)."""
        ...


class Policy(Protocol):
    """What server, learner and simulator ask of a policy."""

    @property
    def label(self) -> str:
        """Name with parameters, as decision records carry it."""
        ...

    def probabilities(self, rows: np.ndarray, eligible: np.ndarray, floor: np.ndarray | None = None) -> np.ndarray:
        """P(arm | context, eligible arms).

        Args:
            rows: Shape (n, d), float32, encoded by the campaign's schema.
            eligible: Shape (n, k), bool; column 0, `hold`, is true in every row.
            floor: Shape (n, k): the floor's shares, `Floor.shares(eligible, cells)`, where the caller has them ready.

        Returns:
            Shape (n, k), float64, ≥ 0, rows sum to 1; arms that are not eligible get exactly 0. A row gives the same
            bits alone and in a batch.
        """
        ...


@dataclass(frozen=True, slots=True)
class UniformPolicy:
    """Every eligible arm alike: the control share, and a server without a snapshot."""

    label: str = "uniform"

    def probabilities(
        self,
        rows: np.ndarray,
        eligible: np.ndarray,
        floor: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """See `Policy`."""
        return Uniform().probabilities(rows, eligible, 0)


@dataclass(frozen=True, slots=True)
class ModelPolicy:
    """Predicted costs, explored by a rule, on top of the floor.

    Attributes:
        label: Name with parameters.
        model: Predicts costs; learning happens elsewhere and arrives as a new snapshot.
        explorer: Turns costs into probabilities.
        floor: Least probabilities.
        cells: Shape (k,), the channel × slot cell of each arm.
        spread: Costs are divided by it before exploration.
        t: Learned decisions behind the model.
    """

    label: str
    model: CostModel
    explorer: Explorer
    floor: Floor
    cells: np.ndarray
    spread: float
    t: int

    def probabilities(self, rows: np.ndarray, eligible: np.ndarray, floor: np.ndarray | None = None) -> np.ndarray:
        """See `Policy`."""
        own = self.explorer.probabilities(self.model.costs(rows) / self.spread, eligible, self.t)
        return self.floor.mix(own, eligible, self.cells, floor)
