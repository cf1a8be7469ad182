"""How likely a count is, given the sums of its probabilities and of their squares."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from simulator.arrays import FloatArray

__all__ = ["count_p_value"]


def count_p_value(observed: FloatArray, draws: FloatArray, total: FloatArray, squares: FloatArray) -> FloatArray:
    """Give two-sided p-values of counts of independent draws with unequal probabilities, each of shape (m,).

    The count's law is Poisson-binomial, of which only three sums are kept. Among all probabilities with the same sums
    the log-moments Σ log(1 − p + p·eᵗ) for t < 0 are largest when they are 0 or one value p', which makes the count
    binomial with n' = (Σp)² / Σp², p' = Σp² / Σp: the same mean and variance. That binomial's lower tail is taken;
    the upper tail is the lower tail of the draws that went elsewhere. Equal probabilities make it the exact binomial
    test, unequal ones a test whose exponent (Chernoff) is a bound; both tails doubled.

    Source: extremal laws for given moments, Karlin and Studden, "Tchebycheff Systems" (1966), ch. III.

    Args:
        observed: How often the arm was drawn.
        draws: In how many draws it could be.
        total: Σp.
        squares: Σp².
    """
    lower = _lower_tail(observed, total, squares)
    upper = _lower_tail(draws - observed, draws - total, draws - 2.0 * total + squares)
    return np.asarray(np.minimum(1.0, 2.0 * np.minimum(lower, upper)))


def _lower_tail(count: FloatArray, total: FloatArray, squares: FloatArray) -> FloatArray:
    """P(at most `count`) of the binomial with n' = Σp² … as above; 1 at or above its mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.clip(squares / total, 0.0, 1.0)
        n = total / p
        below = (count < total) & (p > 0.0) & (p < 1.0)
        tail = betainc(np.maximum(n - count, 1e-12), count + 1.0, 1.0 - p)
    return np.asarray(np.where(below, tail, 1.0))
