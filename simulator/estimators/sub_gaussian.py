"""The weight that sub-Gaussian estimators share."""

from __future__ import annotations

import numpy as np

from simulator.arrays import FloatArray

__all__ = ["sub_gaussian"]


def sub_gaussian(weight: FloatArray, parameter: float) -> FloatArray:
    """Give ŵ = w / (1 − λ + λ w), shape (n,): the power mean of w and 1 with exponent −1, at most 1 / λ.

    Weights above 1 become smaller and those below 1 larger; a weight of 0 stays 0.

    Source: Metelli, Russo and Restelli, "Subgaussian and differentiable importance sampling for off-policy evaluation
    and learning" (2021), (λ, s)-corrected weight with s = −1.

    Args:
        weight: Shape (n,), not negative.
        parameter: λ in [0, 1]; 0 leaves weights as they are.

    >>> sub_gaussian(np.array([0.0, 1.0, 4.0]), 0.5).tolist()
    [0.0, 1.0, 1.6]
    """
    mixed = 1.0 - parameter + parameter * weight
    return np.divide(weight, mixed, out=np.zeros_like(weight), where=weight > 0.0)
