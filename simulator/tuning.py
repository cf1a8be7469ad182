"""Chooses how far an estimator cuts its weights, from the log itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np

from simulator.statistic import Statistic

__all__ = ["DEFAULT_TUNING", "Candidate", "Tuning", "tuned"]

#: Chance that a bound of the bias is too small.
_DELTA = 0.05
#: One-sided chance of SLOPE's intervals, and how far two of them may lie apart.
_SLOPE_DELTA = 0.1
_SLOPE_REACH = math.sqrt(6.0) - 1.0


class Tuning(StrEnum):
    """How a parameter is chosen."""

    #: Least estimated variance plus squared estimate of the bias, which in the mean is no less than the squared error.
    MSE = "mse"
    #: Least estimated variance plus squared bound of the bias, which is rarely less than the squared error.
    MSE_BOUND = "mse_bound"
    #: The least noisy candidate that agrees with all noisier ones.
    SLOPE = "slope"


#: Of rare clicks under heavy weights (`test_simulator_tuning`): MSE has a fifth less error than no cutting with
#: no model, a third less with a good one; MSE_BOUND hardly ever cuts; SLOPE is best by far with a good model, but worse
#: than no cutting without one, and what a model is worth is not known beforehand.
DEFAULT_TUNING = Tuning.MSE


@dataclass(frozen=True, slots=True)
class Candidate:
    """An estimate with one value of its estimator's parameter.

    Attributes:
        parameter: The value.
        point: The estimate.
        deviation: Its standard error.
        bias: Estimate of its bias.
        bias_bound: What its bias stays under in size, with high probability.
    """

    parameter: float
    point: float
    deviation: float
    bias: float
    bias_bound: float

    @classmethod
    def of(cls, parameter: float, estimate: Statistic, omitted: Statistic) -> Candidate:
        """Take everything from sums over users, so that a log may be read in chunks.

        With o the mean of the omitted row terms (w − ŵ)(r − m), s its standard error and z_b the effect of each bucket
        of users on it, the bias is −o, and its bound is Bernstein's: |o| + s √(2 L) + ⅔ L max |z_b|, L = ln(2 / δ).
        Both speak of what the log can show: weights so large that none occurred are not in them.

        Source: Su, Dimakopoulou, Krishnamurthy and Dudík (2020), on model selection; Boucheron, Lugosi and Massart,
        Concentration Inequalities (2013), §2.8, with variance and range taken from the sample.

        Args:
            parameter: The value.
            estimate: The mean with this parameter.
            omitted: The mean of `Estimator.omitted` with this parameter.
        """
        log = math.log(2.0 / _DELTA)
        spread = omitted.deviation * math.sqrt(2.0 * log)
        largest = float(np.abs(omitted.influence).max(initial=0.0))
        bound = abs(omitted.point) + spread + 2.0 / 3.0 * log * largest
        return cls(parameter, estimate.point, estimate.deviation, -omitted.point, bound)


def tuned(candidates: Sequence[Candidate], how: Tuning = DEFAULT_TUNING) -> Candidate:
    """Choose among the values of a parameter.

    Args:
        candidates: At least one; of those that are equally good the first is taken, so begin with no cutting.
        how: By which criterion.

    Raises:
        ValueError: If there is no candidate.
    """
    if not candidates:
        raise ValueError("expected at least one candidate, got none; take them from the estimator's grid")
    defined = [one for one in candidates if math.isfinite(one.point) and math.isfinite(one.deviation)]
    if not defined:
        return candidates[0]
    if how is Tuning.SLOPE:
        return _slope(defined)
    if how is Tuning.MSE_BOUND:
        return min(defined, key=lambda one: one.deviation**2 + one.bias_bound**2)
    return min(defined, key=lambda one: one.deviation**2 + one.bias**2)


def _slope(candidates: Sequence[Candidate]) -> Candidate:
    """Go from the noisiest to the least noisy, as long as each agrees with all before it.

    Candidate i agrees with j if |Vᵢ − Vⱼ| ≤ cᵢ + (√6 − 1) cⱼ, where c is the half width of its interval. No bias is
    estimated: a difference that noise cannot explain must be bias.

    Source: Su, Srinath and Krishnamurthy, "Adaptive estimator selection for off-policy evaluation" (2020), algorithm
    1; Tucker and Lee, "Improved estimator selection for off-policy evaluation" (2021), for the test used here.
    """
    quantile = NormalDist().inv_cdf(1.0 - _SLOPE_DELTA)
    ordered = sorted(candidates, key=lambda one: -one.deviation)
    chosen = ordered[0]
    for place, one in enumerate(ordered):
        for other in ordered[:place]:
            allowed = quantile * (one.deviation + _SLOPE_REACH * other.deviation)
            if abs(one.point - other.point) > allowed:
                return chosen
        chosen = one
    return chosen
