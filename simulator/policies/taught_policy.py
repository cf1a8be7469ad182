"""A learning policy that learns on one side of a split, and is judged on the other."""

from __future__ import annotations

from simulator.arrays import BoolArray
from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.learning_policy import LearningPolicy

__all__ = ["TaughtPolicy"]


class TaughtPolicy:
    """Observes, freezes, then answers; what it answers with is one model, which could be published.

    Args:
        learner: It has learned nothing yet.
        rows: Which of all rows it learns from, shape (n,); None where it deals them out itself.
        until: Moment of the split, microseconds since the epoch: what had not matured by then is left out.
    """

    def __init__(self, learner: LearningPolicy, rows: BoolArray | None, until: int | None) -> None:
        self._learner, self._rows, self._until = learner, rows, until

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return self._learner.spec

    def observe(self, log: Log) -> None:
        """Learn from the rows that are to teach it."""
        self._learner.observe(log, None if self._rows is None else self._rows[log.place])

    def settle(self) -> tuple[str, ...]:
        """Learn no more."""
        self._learner.freeze(self._until)
        return self._learner.notes

    def answer(self, log: Log) -> PolicyAnswer:
        """Answer with what was learned."""
        return self._learner.answer(log)
