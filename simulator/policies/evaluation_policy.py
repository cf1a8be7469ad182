"""What a policy under evaluation has to say, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.log import Log

__all__ = ["EvaluationPolicy", "PolicyAnswer", "Prepared", "Progressive", "Restricted"]


@dataclass(frozen=True, slots=True, eq=False)
class PolicyAnswer:
    """A policy's distribution over the eligible arms of every row of a log (n rows, m eligible arms in all).

    Attributes:
        probabilities: π(a | xᵢ) aligned with `log.eligible`, sums to 1 within each row, shape (m,).
        fallback: Rows where the policy could not say and a stand-in answered, shape (n,).
        on_policy: Whether this is the logging policy itself, so that every weight is 1.
    """

    probabilities: FloatArray
    fallback: BoolArray
    on_policy: bool = False

    @classmethod
    def everywhere(cls, log: Log, probabilities: FloatArray, *, on_policy: bool = False) -> PolicyAnswer:
        """Answer for every row, without fallback."""
        return cls(probabilities, np.zeros(log.rows, dtype=bool), on_policy)

    def select(self, log: Log, rows: BoolArray) -> PolicyAnswer:
        """Keep the rows of `log` where `rows` is true."""
        if bool(rows.all()):
            return self
        return PolicyAnswer(self.probabilities[np.repeat(rows, log.lengths)], self.fallback[rows], self.on_policy)


class EvaluationPolicy(Protocol):
    """A policy that can be replayed: a batch of rows in, probabilities out; it never draws."""

    @property
    def spec(self) -> str:
        """How the command line names it."""
        ...

    def answer(self, log: Log) -> PolicyAnswer:
        """Give its distribution over each row's eligible arms; asked for the chunks of a log in their order.

        Raises:
            InvalidInput: When it cannot be asked about this log.
        """
        ...


@runtime_checkable
class Prepared(Protocol):
    """A policy that is made from the log itself: it sees all of it before it is asked."""

    def observe(self, log: Log) -> None:
        """Look at a chunk; chunks come in their order."""
        ...

    def settle(self) -> tuple[str, ...]:
        """Make up its mind, and say what a reader should know, such as the arm that was chosen."""
        ...


@runtime_checkable
class Progressive(Protocol):
    """A policy that changes as it answers: each answer rests on the rows before it."""

    def begin(self) -> None:
        """Forget everything: the log is about to be read from its first row."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, once all rows were answered."""
        ...


@runtime_checkable
class Restricted(Protocol):
    """A policy that may be judged on some rows only."""

    def judges(self, log: Log) -> BoolArray:
        """Say on which rows it may be judged, shape (n,)."""
        ...

    def told(self, judged: int, left_out: int) -> tuple[str, ...]:
        """Say in words how many decisions judge it and how many do not."""
        ...

    @property
    def refusal(self) -> str:
        """Why it gets no verdict when no row may judge it."""
        ...
