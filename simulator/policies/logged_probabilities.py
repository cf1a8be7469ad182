"""The logging policy's whole distribution, for policies that are made out of it."""

from __future__ import annotations

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.log import Log

__all__ = ["logged_probabilities"]


def logged_probabilities(log: Log) -> FloatArray:
    """Give p(a | xᵢ) of every eligible arm, shape (m,); the chosen arm's is its propensity, which is authoritative.

    Raises:
        InvalidInput: When rows with a choice kept only the chosen arm's probability.
    """
    probabilities = log.probabilities.copy()
    probabilities[log.chosen_at] = log.propensity
    missing = log.row_sums(np.isnan(probabilities).astype(np.float64)) > 0
    if missing.any():
        row = log.decision_ids[int(np.flatnonzero(missing)[0])]
        raise InvalidInput(
            f"expected the probabilities of all eligible arms in every row, got {int(missing.sum())} rows without "
            f"(first {row!r}); log `probabilities` beside `propensity`",
            field="probabilities",
        )
    return probabilities / np.repeat(log.row_sums(probabilities), log.lengths)
