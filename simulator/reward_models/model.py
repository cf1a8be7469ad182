"""What a reward model can do: take rows, then be fitted once for every fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from simulator.arrays import FloatArray, IntArray
from simulator.log import Log

__all__ = ["ModelRows", "Predictor", "RewardModel"]


@dataclass(frozen=True, slots=True, eq=False)
class ModelRows:
    """Decisions to learn from; n rows, d context columns, q quantities.

    Attributes:
        x: Encoded contexts, shape (n, d).
        arm: The arm that was played, shape (n,).
        rewards: What came of it, shape (n, q).
        weight: How much each row counts, shape (n,).
        fold: Fold of each row, shape (n,).
    """

    x: FloatArray
    arm: IntArray
    rewards: FloatArray
    weight: FloatArray
    fold: IntArray


class Predictor(Protocol):
    """Predicts rewards, each row by the model that has not seen its fold."""

    def predict(self, x: FloatArray, fold: IntArray, log: Log) -> FloatArray:
        """Predict every quantity for every eligible arm.

        Args:
            x: Encoded contexts, shape (n, d).
            fold: Fold of each row, shape (n,).
            log: The rows themselves, for their eligible arms.

        Returns:
            Shape (q, m), aligned with `log.eligible`.
        """
        ...


class RewardModel(Protocol):
    """Learns the mean of quantities given context and arm, one model a fold, from rows that come chunk by chunk."""

    def add(self, rows: ModelRows) -> None:
        """Take rows into account."""
        ...

    def fit(self, training: Mapping[int, tuple[int, ...]]) -> Predictor:
        """Fit the models.

        Args:
            training: Fold → the folds whose rows its model learns from; with none it predicts 0.
        """
        ...
