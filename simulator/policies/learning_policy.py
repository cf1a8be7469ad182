"""What a policy that learns from the log has to offer besides its answers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from simulator.arrays import BoolArray, FloatArray
from simulator.horizons import Horizons
from simulator.log import Log
from simulator.policies.evaluation_policy import EvaluationPolicy
from simulator.reward_scale import RewardScale

__all__ = ["LearningPolicy", "LearningTask"]


@dataclass(frozen=True, slots=True)
class LearningTask:
    """What is to be learned.

    Attributes:
        name: Of the metric or objective, for messages.
        reward_of: Gives the reward of each row of a log, shape (n,), from the outcomes that the log has.
        kinds: Outcome types that the reward is made of.
        horizons: How long their outcomes count.
        scale: Turns rewards into costs.
    """

    name: str
    reward_of: Callable[[Log], FloatArray]
    kinds: Collection[str]
    horizons: Horizons = field(default_factory=Horizons)
    scale: RewardScale = field(default_factory=RewardScale)


class LearningPolicy(EvaluationPolicy, Protocol):
    """A policy that learns from logs, in chunks that follow one another in time.

    Progressively: `answer` each chunk; a row is predicted by what had matured before it, and learned in its turn.
    On a split: `observe` the chunks to learn on, `freeze`, then `answer` the chunks to judge on.
    """

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
