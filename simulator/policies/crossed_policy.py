"""A learning policy on both halves of the users, each judged on the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from simulator.arrays import BoolArray, IntArray
from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.learning_policy import LearningPolicy

__all__ = ["CrossedPolicy"]


class CrossedPolicy:
    """Keeps one learner a fold, which learns from the users of all other folds and answers for its own.

    Its probabilities are of several models that learned alike, so it says what learning this way is worth, not what
    one of them is. Learners see later decisions of other users: users must not influence one another.

    Attributes:
        learners: One a fold, at least two, none of which has learned yet.
        fold_of: Gives the fold of each row of a log, shape (n,); all rows of a user share one.
    """

    def __init__(self, learners: Sequence[LearningPolicy], fold_of: Callable[[Log], IntArray]) -> None:
        self.learners, self.fold_of = tuple(learners), fold_of

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return self.learners[0].spec

    @property
    def notes(self) -> tuple[str, ...]:
        """See `LearningPolicy`."""
        return tuple(dict.fromkeys(note for learner in self.learners for note in learner.notes))

    def begin(self) -> None:
        """See `LearningPolicy`."""
        for learner in self.learners:
            learner.begin()

    def observe(self, log: Log, rows: BoolArray | None = None) -> None:
        """See `LearningPolicy`."""
        fold = self.fold_of(log)
        for own, learner in enumerate(self.learners):
            others = fold != own
            learner.observe(log, others if rows is None else others & rows)

    def freeze(self, at: int | None = None) -> None:
        """See `LearningPolicy`."""
        for learner in self.learners:
            learner.freeze(at)

    def answer(self, log: Log) -> PolicyAnswer:
        """Let each fold's learner answer for its own rows.

        Raises:
            InvalidInput: When a learner cannot be asked.
        """
        fold = self.fold_of(log)
        probabilities = np.zeros(log.eligible.size)
        for own, learner in enumerate(self.learners):
            rows = fold == own
            probabilities[np.repeat(rows, log.lengths)] = learner.answer(log.select(rows)).probabilities
        return PolicyAnswer.everywhere(log, probabilities)
