"""What every exploration rule can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Explorer(Protocol):
    """Turns predicted costs into probabilities.

    Rows are independent of each other, and arms that are not eligible get exactly 0, so that a row gives the same bits
    alone and in a batch.
    """

    def probabilities(self, costs: np.ndarray, eligible: np.ndarray, t: int) -> np.ndarray:
        """P(arm | predicted costs, eligible arms, t).

        Args:
            costs: Shape (n, k), predicted costs, in units of the campaign's typical difference; lower is better.
            eligible: Shape (n, k), bool, at least one arm a row.
            t: Learned decisions behind the costs, ≥ 0.

        Returns:
            Shape (n, k), float64, ≥ 0, rows sum to 1.
        """
        ...


def best_arms(costs: np.ndarray, eligible: np.ndarray) -> np.ndarray:
    """Column of the lowest cost among the eligible arms of each row; the first one of equals. Shape (n,)."""
    return np.argmin(costs if eligible.all() else np.where(eligible, costs, np.inf), axis=1)
