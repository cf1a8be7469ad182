"""A stand-in for a policy of which only a log is left: it plays arms as often as that log did."""

from __future__ import annotations

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer

__all__ = ["Frequency"]


class Frequency:
    """P(a) ∝ plays of a in the other log + 1, over the row's eligible arms, whatever the context.

    Where the other policy looked at contexts or drifted as it learned, this is not that policy: reports say so.

    Args:
        path: The other log.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._plays: dict[str, float] | None = None
        self._unknown: dict[str, None] = {}

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"frequency:{self._path}"

    def observe(self, log: Log) -> None:
        """Note arms that the other log does not know."""
        known = self._counted()
        self._unknown.update(dict.fromkeys(arm for arm in log.arms if arm not in known))

    def settle(self) -> tuple[str, ...]:
        """Say what this is and what it is not."""
        told = (
            f"{self.spec} plays arms as often as that log did, in any context: a frequency stand-in, which is not the "
            "policy that wrote it where that one looked at contexts or drifted"
        )
        if not self._unknown:
            return (told,)
        return told, f"{len(self._unknown)} arms never were eligible there, and are played as if once"

    def answer(self, log: Log) -> PolicyAnswer:
        """Give each row the other log's frequencies among its eligible arms.

        Raises:
            UnusableLog: When the other log cannot be read.
            InvalidInput: When no arm of a chunk was ever eligible there.
        """
        known = self._counted()
        plays: FloatArray = np.array([known.get(arm, 0.0) + 1.0 for arm in log.arms])
        if not any(arm in known for arm in log.arms):
            raise InvalidInput("expected a log of the same arms, got none in common; check the path", field=self.spec)
        weight = plays[log.eligible]
        return PolicyAnswer.everywhere(log, weight / np.repeat(log.row_sums(weight), log.lengths))

    def _counted(self) -> dict[str, float]:
        if self._plays is None:
            other = Log.scan(self._path)
            counts = np.zeros(len(other.arms))
            for chunk in other.chunks():
                counts += np.bincount(chunk.arm, weights=chunk.count, minlength=counts.size)
            self._plays = dict(zip(other.arms, counts.tolist(), strict=True))
        return self._plays
