"""The reward model of a replay: fitted on other users' rows, or on the past alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.arrays import FloatArray
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.reward_models import ModelRows, Predictor, RewardModel, Ridge

__all__ = ["CrossFit"]

_FOLDS = 5


class CrossFit:
    """Deals rows into folds and lets a reward model predict each fold from the others.

    Source: Chernozhukov et al., "Double/debiased machine learning" (2018), def. 3.1, with users as the units.
    """

    def __init__(self, facts: LogFacts, settings: ReplaySettings) -> None:
        self._facts = facts
        self._fold = facts.clusters.folds(_FOLDS, settings.seed, "reward-model")
        self._names: Sequence[str] = ()
        self._model: RewardModel = Ridge(facts.plays, _FOLDS)
        self._predictor: Predictor | None = None

    def add(self, log: Log, quantities: Quantities, names: Sequence[str]) -> None:
        """Take a chunk into account.

        Args:
            log: The chunk.
            quantities: What happened in it.
            names: What is to be predicted; the same for every chunk.
        """
        self._names = names
        rewards = np.column_stack([quantities[name] for name in names])
        features = self._facts.features.encode(log)
        weight = log.count.astype(np.float64)
        self._model.add(ModelRows(features, log.arm.astype(np.int64), rewards, weight, self._fold[log.place]))

    def fit(self) -> None:
        """Fit the models, each on the rows of all other folds."""
        present = [int(fold) for fold in np.unique(self._fold)]
        others = {fold: tuple(other for other in present if other != fold) for fold in present}
        # A single fold cannot be predicted from others; it is then predicted from itself.
        self._predictor = self._model.fit({fold: rest or (fold,) for fold, rest in others.items()})

    def predictions(self, log: Log) -> Callable[[str], FloatArray]:
        """Give a function from a quantity to its predictions for all eligible arms of a chunk, shape (m,)."""
        kept: list[FloatArray] = []

        def predicted(quantity: str) -> FloatArray:
            if not kept:
                if self._predictor is None:
                    raise AssertionError("predictions were asked for before the model was fitted")
                kept.append(self._predictor.predict(self._facts.features.encode(log), self._fold[log.place], log))
            return np.asarray(kept[0][self._names.index(quantity)])

        return predicted
