"""The reward model of a replay: each row is predicted by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.arrays import FloatArray
from simulator.folds import Folds
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.reward_models import MODELS, ModelRows, Predictor

__all__ = ["CrossFit"]


class CrossFit:
    """Lets a reward model learn and predict, fold by fold.

    Args:
        facts: What is known of the log.
        folds: Of its rows.
        settings: They name the model.
    """

    def __init__(self, facts: LogFacts, folds: Folds, settings: ReplaySettings) -> None:
        self._facts, self._folds = facts, folds
        self._names: Sequence[str] = ()
        self._model = MODELS[settings.model](facts, folds.number)
        self._predictor: Predictor | None = None

    def add(self, log: Log, quantities: Quantities, names: Sequence[str], weight: FloatArray | None = None) -> None:
        """Take a chunk into account.

        Args:
            log: The chunk.
            quantities: What happened in it.
            names: What is to be predicted; the same for every chunk.
            weight: How much each decision of a row counts, shape (n,); 1 unless stated.
        """
        self._names = names
        rewards = np.column_stack([quantities[name] for name in names])
        counted = log.count.astype(np.float64) * (1.0 if weight is None else weight)
        features = self._facts.features.encode(log)
        self._model.add(ModelRows(features, log.arm.astype(np.int64), rewards, counted, self._folds.of[log.place]))

    def fit(self) -> None:
        """Fit a model for every fold."""
        self._predictor = self._model.fit(self._folds.training)

    def predictions(self, log: Log) -> Callable[[str], FloatArray]:
        """Give a function from a quantity to its predictions for all eligible arms of a chunk, shape (m,)."""
        kept: list[FloatArray] = []

        def predicted(quantity: str) -> FloatArray:
            if not kept:
                if self._predictor is None:
                    raise AssertionError("predictions were asked for before the model was fitted")
                kept.append(self._predictor.predict(self._facts.features.encode(log), self._folds.of[log.place], log))
            return np.asarray(kept[0][self._names.index(quantity)])

        return predicted
