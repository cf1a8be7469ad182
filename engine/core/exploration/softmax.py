"""Better arms exponentially more often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Softmax:
    """P(a) ∝ exp(−λ · cost).

    Source: Sutton and Barto (2018), "Reinforcement Learning", section 2.8, equation 2.11, λ being 1/τ.

    Attributes:
        lambda_: Inverse temperature ≥ 0; 0 is uniform.
    """

    lambda_: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.lambda_ < float("inf"):
            raise ConfigError(f"expected a number ≥ 0, got {self.lambda_}", field="lambda")

    def probabilities(self, costs: np.ndarray, eligible: np.ndarray, t: int) -> np.ndarray:  # noqa: ARG002
        """P(arm | predicted costs, eligible arms); see `Explorer`."""
        lowest = np.where(eligible, costs, np.inf).min(axis=1, keepdims=True)
        weights = np.exp(np.where(eligible, -self.lambda_ * (costs - lowest), -np.inf))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
