"""A policy that asks Vowpal Wabbit itself, for models that cannot be compiled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.exploration.explorer import Explorer
from engine.core.exploration.floor import Floor
from engine.core.feature import Feature
from engine.vw.learner import VwLearner

EXPLORES = "--cb_explore_adf"


@dataclass(frozen=True, slots=True)
class VwPolicy:
    """Scores through Vowpal Wabbit's text interface, at some twenty times the price of a compiled model.

    With `--cb_explore_adf` among the campaign's extra options, Vowpal Wabbit's own explorer (bag, cover, RegCB, …)
    gives the distribution; otherwise it gives costs, and the campaign's explorer the distribution. The floor lies under
    both. It only ever sees eligible arms, as an explorer must.

    Attributes:
        label: Name with parameters.
        learner: The model; used by one thread at a time.
        arms: Features of each arm of the catalogue.
        explorer: Turns costs into probabilities.
        floor: Least probabilities.
        cells: Shape (k,), the channel × slot cell of each arm.
        spread: Costs are divided by it before exploration.
        t: Learned decisions behind the model.
    """

    label: str
    learner: VwLearner
    arms: Sequence[tuple[Feature, ...]]
    explorer: Explorer
    floor: Floor
    cells: np.ndarray
    spread: float
    t: int

    def probabilities(self, rows: np.ndarray, eligible: np.ndarray, floor: np.ndarray | None = None) -> np.ndarray:
        """See `Policy`."""
        explores = EXPLORES in self.learner.options.extra_words
        answers = np.zeros(eligible.shape)
        for i, mask in enumerate(eligible):
            columns = np.flatnonzero(mask)
            answers[i, columns] = self.learner.predict(rows[i], [self.arms[column] for column in columns.tolist()])
        if explores:
            own = answers / answers.sum(axis=1, keepdims=True)
        else:
            own = self.explorer.probabilities(answers / self.spread, eligible, self.t)
        return self.floor.mix(own, eligible, self.cells, floor)
