"""The policy that wrote the log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.log import Log
from simulator.policies.evaluation_policy import PolicyAnswer

__all__ = ["Logged"]


@dataclass(frozen=True, slots=True)
class Logged:
    """Every weight is 1, so its value is the plain mean of what happened."""

    spec: str = "logged"

    def answer(self, log: Log) -> PolicyAnswer:
        """Give the logged probabilities; only the chosen arm's is authoritative, the others may be unknown (0)."""
        probabilities = np.nan_to_num(log.probabilities, nan=0.0)
        probabilities[log.chosen_at] = log.propensity
        return PolicyAnswer.everywhere(log, probabilities, on_policy=True)
