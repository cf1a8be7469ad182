"""The best arm, and sometimes any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class EpsilonGreedy:
    """P(a) = ε/K, plus 1 − ε on the arm of lowest predicted cost; equally good arms share it.

    Source: Langford and Zhang (2007), "The epoch-greedy algorithm for multi-armed bandits with side information".

    Attributes:
        epsilon: Share of decisions drawn uniformly, in [0, 1].
    """

    epsilon: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.epsilon <= 1.0:
            raise ConfigError(f"expected a share from 0 to 1, got {self.epsilon}", field="epsilon")

    def probabilities(self, costs: np.ndarray, eligible: np.ndarray, t: int) -> np.ndarray:  # noqa: ARG002
        """P(arm | predicted costs, eligible arms); see `Explorer`."""
        lowest = np.where(eligible, costs, np.inf).min(axis=1, keepdims=True)
        best = eligible & (costs == lowest)
        greedy = best * ((1.0 - self.epsilon) / best.sum(axis=1, keepdims=True))
        return np.asarray(eligible * (self.epsilon / eligible.sum(axis=1, keepdims=True)) + greedy)
