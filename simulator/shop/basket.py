"""What a shopper spends: log-normal, with a cap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from simulator.arrays import FloatArray

__all__ = ["Basket"]


@dataclass(frozen=True, slots=True)
class Basket:
    """min(X, cap) with log X normal.

    Attributes:
        sigma: Standard deviation of log X.
        cap: Largest value.
    """

    sigma: float
    cap: float

    def value(self, median: FloatArray | float, uniform: FloatArray | float) -> FloatArray:
        """The value at a quantile.

        Args:
            median: Of X, before the cap.
            uniform: In (0, 1).
        """
        return np.asarray(np.minimum(np.asarray(median) * np.exp(self.sigma * ndtri(uniform)), self.cap))

    def mean(self, median: FloatArray) -> FloatArray:
        """E[min(X, cap)] = e^{μ+σ²/2} Φ((ln c − μ − σ²)/σ) + c (1 − Φ((ln c − μ)/σ)).

        Source: Johnson, Kotz and Balakrishnan (1994), "Continuous Univariate Distributions" 1, ch. 14, limited
        expected value.
        """
        mu, log_cap = np.log(median), np.log(self.cap)
        below = np.exp(mu + self.sigma**2 / 2) * ndtr((log_cap - mu - self.sigma**2) / self.sigma)
        return np.asarray(below + self.cap * (1.0 - ndtr((log_cap - mu) / self.sigma)))
