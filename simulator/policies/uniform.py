"""The policy that treats all eligible arms alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray
from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer

__all__ = ["Uniform", "uniform_probabilities"]


def uniform_probabilities(log: Log) -> FloatArray:
    """Give 1 / (number of eligible arms) to each, shape (m,)."""
    return np.repeat(1.0 / log.lengths, log.lengths)


@dataclass(frozen=True, slots=True)
class Uniform:
    """Plays each eligible arm with equal probability."""

    spec: str = "uniform"

    def answer(self, log: Log) -> PolicyAnswer:
        """Give every eligible arm the same probability."""
        return PolicyAnswer.everywhere(log, uniform_probabilities(log))
