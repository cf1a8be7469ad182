"""How far a value can move if the propensities are not quite those of the draw.

The marginal sensitivity model: the odds of the true propensity lie within a factor Γ of the odds of the stated one,

    1/Γ ≤ [p*/(1 − p*)] / [p/(1 − p)] ≤ Γ,

whatever the rest was that the logging policy looked at. Γ = 1 trusts the propensities; Γ = 2 lets every odds be off
by two. With zᵢ in [1/Γ, Γ], the true weight is wᵢ* = πᵢ (1 + zᵢ (1/pᵢ − 1)), where πᵢ = wᵢ pᵢ.

The bands hold for every combination of zᵢ. True propensities also sum to 1 over the arms, which is not used here:
the bands are safe, and wider than the sharp ones.

Source: Tan, "A distributional approach for causal inference using propensity scores" (2006), for the model; Zhao,
Small and Bhattacharya, "Sensitivity analysis for inverse probability weighting estimators via the percentile
bootstrap" (2019), §4.4, for the extrema; Dorn and Guo, "Sharp sensitivity analysis for inverse propensity weighting via
quantile balancing" (2023), for the sharp ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray

__all__ = ["difference_band", "largest_gamma", "sensitivity_band"]

Band = tuple[float, float]

_MOST = 100.0
_STEPS = 60


def sensitivity_band(
    weight: FloatArray,
    propensity: FloatArray,
    reward: FloatArray,
    gamma: float,
    *,
    count: FloatArray | None = None,
    self_normalised: bool = True,
) -> Band:
    """Give the least and the largest estimate when every propensity's odds may be off by a factor Γ.

    For SNIPS, a ratio of sums that are linear in z, an extremum puts z = Γ on all rows with a reward above some
    threshold and 1/Γ on those below (the largest), or the other way round (the least): sorting by reward and trying
    every threshold finds it exactly. For IPS each row goes its own way.

    Args:
        weight: π(aᵢ | xᵢ) / pᵢ of the logged arm, by the stated propensity, shape (n,).
        propensity: pᵢ, in (0, 1], shape (n,).
        reward: Shape (n,).
        gamma: Γ, at least 1.
        count: How many decisions a row stands for, shape (n,); by default 1.
        self_normalised: Whether the estimate is SNIPS, or else IPS.

    Returns:
        Low and high; NaN where all weights are 0.

    Raises:
        InvalidInput: When Γ is below 1.
    """
    _check(gamma)
    times = np.ones_like(weight) if count is None else count
    least, most = _weights(times * weight, propensity, gamma)
    if not self_normalised:
        total = float(times.sum())
        return _summed(least, most, reward, np.minimum) / total, _summed(least, most, reward, np.maximum) / total
    if not most.any():
        return np.nan, np.nan
    order = np.argsort(reward, kind="stable")
    r, least, most = reward[order], least[order], most[order]
    return _extreme(r, most, least, np.min), _extreme(r, least, most, np.max)


def difference_band(
    weight: FloatArray,
    baseline: FloatArray,
    propensity: FloatArray,
    reward: FloatArray,
    gamma: float,
    *,
    count: FloatArray | None = None,
) -> Band:
    """Give the least and the largest difference of two policies' IPS values; both see the same true propensities.

    Against the logged policy, whose value needs no propensities, subtract its mean reward from `sensitivity_band`
    instead.

    Args:
        weight: π(aᵢ | xᵢ) / pᵢ of one policy, shape (n,).
        baseline: The same of the policy it is compared with, shape (n,).
        propensity: pᵢ, in (0, 1], shape (n,).
        reward: Shape (n,).
        gamma: Γ, at least 1.
        count: How many decisions a row stands for, shape (n,); by default 1.

    Raises:
        InvalidInput: When Γ is below 1.
    """
    return sensitivity_band(weight - baseline, propensity, reward, gamma, count=count, self_normalised=False)


def largest_gamma(band: Callable[[float], Band], most: float = _MOST) -> float:
    """Find the largest Γ at which a difference keeps its sign.

    Args:
        band: Γ → low and high of the difference; bands of a larger Γ hold those of a smaller one.
        most: Largest Γ to look at; returned when the sign survives it.

    Returns:
        At least 1; 1 when the difference is 0, or undefined, to begin with.
    """

    def survives(gamma: float) -> bool:
        low, high = band(gamma)
        return low > 0.0 or high < 0.0

    if not survives(1.0):
        return 1.0
    if survives(most):
        return most
    low, high = 0.0, float(np.log(most))
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if survives(float(np.exp(middle))) else (low, middle)
    return float(np.exp(low))


def _check(gamma: float) -> None:
    if not gamma >= 1.0:
        raise InvalidInput(f"expected a factor of 1 or more, got {gamma}; 1 trusts the propensities", field="gamma")


def _weights(weight: FloatArray, propensity: FloatArray, gamma: float) -> tuple[FloatArray, FloatArray]:
    """Give each row's weight at z = 1/Γ and at z = Γ."""
    played, spread = weight * propensity, weight * (1.0 - propensity)
    return played + spread / gamma, played + spread * gamma


def _summed(
    least: FloatArray, most: FloatArray, reward: FloatArray, pick: Callable[[FloatArray, FloatArray], FloatArray]
) -> float:
    return float(np.sum(pick(least * reward, most * reward)))


def _extreme(reward: FloatArray, before: FloatArray, after: FloatArray, pick: Callable[[FloatArray], float]) -> float:
    """Try every threshold: rows before it, in the order of their reward, have one weight, those after it the other."""
    top = _split_sums(before * reward, after * reward)
    bottom = _split_sums(before, after)
    usable = bottom > 0.0
    return float(pick(top[usable] / bottom[usable]))


def _split_sums(before: FloatArray, after: FloatArray) -> FloatArray:
    """Σ of the first k of one and of the rest of the other, for k from 0 to n, shape (n + 1,)."""
    head = np.concatenate(([0.0], np.cumsum(before)))
    tail = np.concatenate((np.cumsum(after[::-1])[::-1], [0.0]))
    return np.asarray(head + tail)
