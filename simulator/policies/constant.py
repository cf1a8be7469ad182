"""The policy that always plays one arm."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.log import HOLD, Log
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.uniform import uniform_probabilities

__all__ = ["Constant", "constant_probabilities", "fallback_probabilities"]


def fallback_probabilities(log: Log) -> FloatArray:
    """Give what stands in where an arm is not eligible: hold if eligible, else uniform, shape (m,)."""
    hold = log.code(HOLD)
    if hold is None:
        return uniform_probabilities(log)
    is_hold = (log.eligible == hold).astype(np.float64)
    holds = log.row_sums(is_hold) > 0
    return np.where(np.repeat(holds, log.lengths), is_hold, uniform_probabilities(log))


def constant_probabilities(log: Log, arm: IntArray) -> tuple[FloatArray, BoolArray]:
    """Play an arm of each row's own.

    Args:
        log: The log.
        arm: The arm of each row, index into `log.arms`, shape (n,).

    Returns:
        Probabilities, shape (m,), and the rows where the arm is not eligible and the fallback answers, shape (n,).
    """
    plays = (log.eligible == np.repeat(arm, log.lengths)).astype(np.float64)
    fallback = log.row_sums(plays) == 0.0
    return np.where(np.repeat(fallback, log.lengths), fallback_probabilities(log), plays), fallback


@dataclass(frozen=True, slots=True)
class Constant:
    """Plays one arm wherever it is eligible; elsewhere hold if eligible, else uniform."""

    arm: str

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"constant:{self.arm}"

    def answer(self, log: Log) -> PolicyAnswer:
        """Give the arm probability 1 where it is eligible.

        Raises:
            InvalidInput: When the log does not know the arm.
        """
        code = log.code(self.arm)
        if code is None:
            near = get_close_matches(self.arm, log.arms, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "known arms begin with " + ", ".join(log.arms[:5])
            raise InvalidInput(f"expected an arm of the log, got {self.arm!r}; {hint}", field="--policy")
        return PolicyAnswer(*constant_probabilities(log, np.full(log.rows, code, dtype=np.int64)))
