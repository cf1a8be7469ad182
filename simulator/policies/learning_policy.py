"""What a policy that learns from the log has to offer besides its answers."""

from __future__ import annotations

from typing import Protocol

from simulator.arrays import BoolArray
from simulator.log import Log
from simulator.policies.evaluation_policy import EvaluationPolicy

__all__ = ["LearningPolicy"]


class LearningPolicy(EvaluationPolicy, Protocol):
    """A policy that learns from logs, in chunks that follow one another in time.

    Progressively: `answer` each chunk; a row is predicted by what had matured before it, and learned in its turn.
    On a split: `observe` the chunks to learn on, `freeze`, then `answer` the chunks to judge on.
    """

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, after the chunks so far."""
        ...

    def begin(self) -> None:
        """Forget everything, for another pass."""
        ...

    def observe(self, log: Log, rows: BoolArray | None = None) -> None:
        """Learn from a chunk without answering.

        Args:
            log: The chunk.
            rows: Which of its rows, shape (n,); all of them when None.
        """
        ...

    def freeze(self, at: int | None = None) -> None:
        """Learn no more.

        Args:
            at: The moment of the split, microseconds since the epoch: rows whose horizon had not passed by then are
                left out, so that no outcome from the judged period was learned. None takes all whose outcomes are
                complete.
        """
        ...
