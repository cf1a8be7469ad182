"""Always the same arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Constant:
    """All probability on one arm; where it is not eligible, on `hold`.

    Attributes:
        column: The arm's column in the catalogue.
    """

    column: int

    def probabilities(self, costs: np.ndarray, eligible: np.ndarray, t: int) -> np.ndarray:  # noqa: ARG002
        """P(arm | eligible arms); see `Explorer`."""
        rows = np.arange(len(eligible))
        result = np.zeros(eligible.shape)
        result[rows, np.where(eligible[:, self.column], self.column, 0)] = 1.0
        return result
