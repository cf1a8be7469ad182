"""How much each row counts when MRDR fits its reward model."""

from __future__ import annotations

from simulator.arrays import FloatArray

__all__ = ["mrdr_weights"]


def mrdr_weights(target: FloatArray, propensity: FloatArray) -> FloatArray:
    """Give π(aᵢ | xᵢ) (1 − pᵢ) / pᵢ², shape (n,): least squares with them makes DR's variance small.

    For a deterministic policy the weighted sum of squared residuals is, up to what no model changes, an unbiased
    estimate of the variance that the correction has given the contexts. For a stochastic one it leaves out how errors
    of different arms offset each other, as is usual. Rows of propensity 1 count nothing: they have no such variance.

    They are not scaled: divide by their mean where a penalty of the model is not free of scale, multiply by `count`.

    Source: Farajtabar, Chow and Ghavamzadeh, "More robust doubly robust off-policy evaluation" (2018), §4, bandits.

    Args:
        target: π(aᵢ | xᵢ) of the logged arm, shape (n,).
        propensity: pᵢ, shape (n,).

    >>> import numpy as np
    >>> mrdr_weights(np.array([1.0, 0.5]), np.array([0.5, 0.25])).tolist()
    [2.0, 6.0]
    """
    return target * (1.0 - propensity) / propensity**2
