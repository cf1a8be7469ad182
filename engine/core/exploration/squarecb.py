"""Arms in inverse proportion to how much worse they look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import ConfigError
from engine.core.exploration.explorer import best_arms


@dataclass(frozen=True, slots=True)
class SquareCB:
    """P(a) = 1 / (K + γ·(cost(a) − min cost)) for all but the best arm, which takes the rest; γ = scale · t^exponent.

    The gaps are scale-dependent: a campaign states its typical difference, and costs come divided by it.

    Source: Foster and Rakhlin (2020), "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles",
    algorithm 1, after Abe and Long (1999).

    Attributes:
        gamma_scale: ≥ 0; Vowpal Wabbit's default is 10.
        gamma_exponent: In [0, 1]; 1/2 by the theory.
    """

    gamma_scale: float = 10.0
    gamma_exponent: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.gamma_scale < float("inf"):
            raise ConfigError(f"expected a number ≥ 0, got {self.gamma_scale}", field="gamma_scale")
        if not 0.0 <= self.gamma_exponent <= 1.0:
            raise ConfigError(f"expected a number from 0 to 1, got {self.gamma_exponent}", field="gamma_exponent")

    def gamma(self, t: int) -> float:
        """The exploration parameter after t learned decisions."""
        return float(self.gamma_scale * t**self.gamma_exponent) if t else 0.0

    def probabilities(self, costs: np.ndarray, eligible: np.ndarray, t: int) -> np.ndarray:
        """P(arm | predicted costs, eligible arms, t); see `Explorer`."""
        rows = np.arange(len(costs))
        best = best_arms(costs, eligible)
        result = costs - costs[rows, best][:, None]
        if not eligible.all():
            result[~eligible] = 0.0
        result *= self.gamma(t)
        result += eligible.sum(axis=1, keepdims=True)
        np.divide(eligible, result, out=result)
        result[rows, best] = 0.0
        result[rows, best] = 1.0 - result.sum(axis=1)
        return np.asarray(result)
