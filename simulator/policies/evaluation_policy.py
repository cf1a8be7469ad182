"""What a policy under evaluation has to say, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.log import Log

__all__ = ["EvaluationPolicy", "PolicyAnswer"]


@dataclass(frozen=True, slots=True, eq=False)
class PolicyAnswer:
    """A policy's distribution over the eligible arms of every row of a log (n rows, m eligible arms in all).

    Attributes:
        probabilities: π(a | xᵢ) aligned with `log.eligible`, sums to 1 within each row it judges, shape (m,).
        fallback: Rows where the policy could not say and a stand-in answered, shape (n,).
        judged: Rows on which the policy may be judged, shape (n,).
        on_policy: Whether this is the logging policy itself, so that every weight is 1.
        notes: What a reader should know, such as the arm that was chosen.
        refusals: Reasons why no verdict may be given at all.
    """

    probabilities: FloatArray
    fallback: BoolArray
    judged: BoolArray
    on_policy: bool = False
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()

    @classmethod
    def everywhere(cls, log: Log, probabilities: FloatArray, *, on_policy: bool = False) -> PolicyAnswer:
        """Answer for every row, without fallback."""
        return cls(probabilities, np.zeros(log.rows, dtype=bool), np.ones(log.rows, dtype=bool), on_policy)

    def select(self, log: Log, rows: BoolArray) -> PolicyAnswer:
        """Keep the rows of `log` where `rows` is true."""
        if bool(rows.all()):
            return self
        return PolicyAnswer(
            self.probabilities[np.repeat(rows, log.lengths)],
            self.fallback[rows],
            self.judged[rows],
            self.on_policy,
            self.notes,
            self.refusals,
        )


class EvaluationPolicy(Protocol):
    """A policy that can be replayed: a batch of rows in, probabilities out; it never draws."""

    @property
    def spec(self) -> str:
        """How the command line names it."""
        ...

    def answer(self, log: Log) -> PolicyAnswer:
        """Give its distribution over each row's eligible arms.

        Raises:
            InvalidInput: When it cannot be asked about this log.
        """
        ...
