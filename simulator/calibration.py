"""How well estimated probabilities agree with what was played."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from simulator.arrays import FloatArray
from simulator.conditional_logit import Choices, log_softmax

__all__ = ["Calibration", "Reliability", "temperature"]

_BINS = 10
_COLDEST, _HOTTEST = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class Reliability:
    """One bin of (decision, eligible arm) pairs with about the same estimate.

    Attributes:
        predicted: Mean estimate.
        observed: Share that was played.
        error: Standard error of `observed`, were the estimates right.
        pairs: Number of pairs, decisions counted.
    """

    predicted: float
    observed: float
    error: float
    pairs: float

    @property
    def gap(self) -> float:
        """Distance between predicted and observed."""
        return abs(self.predicted - self.observed)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Figures of estimates that were made without the rows they are judged on.

    Attributes:
        reliability: By tenths of all pairs, in the order of their estimate.
        log_loss: Mean −ln p̂ of the arm that was played.
        marginal_log_loss: The same for frequencies of arms that ignore the context.
        uniform_weight: Mean weight 1 / (|E| p̂) of the uniform policy; 1 if the estimates are right.
        lowest: The least estimate of an arm that was played.
    """

    reliability: tuple[Reliability, ...]
    log_loss: float
    marginal_log_loss: float
    uniform_weight: float
    lowest: float

    @classmethod
    def of(cls, probabilities: FloatArray, marginal: FloatArray, choices: Choices) -> Calibration:
        """Judge estimates.

        Args:
            probabilities: P̂(arm | context) of every eligible arm, shape (m,).
            marginal: P̂(arm), likewise.
            choices: What was played.
        """
        played, weight = probabilities[choices.chosen_at], choices.weight
        lengths = np.diff(choices.offsets)
        return cls(
            reliability=_reliability(probabilities, choices),
            log_loss=float(np.average(-np.log(played), weights=weight)),
            marginal_log_loss=float(np.average(-np.log(marginal[choices.chosen_at]), weights=weight)),
            uniform_weight=float(np.average(1.0 / (lengths * played), weights=weight)),
            lowest=float(played.min()),
        )

    @property
    def largest_gap(self) -> float:
        """Largest distance between predicted and observed in a bin."""
        return max(entry.gap for entry in self.reliability)


def _reliability(probabilities: FloatArray, choices: Choices) -> tuple[Reliability, ...]:
    """Bin the pairs into tenths; equal estimates share a bin, so there may be fewer."""
    weight = np.repeat(choices.weight, np.diff(choices.offsets))
    played = np.zeros(probabilities.size)
    played[choices.chosen_at] = 1.0
    values, place = np.unique(probabilities, return_inverse=True)
    share = np.cumsum(np.bincount(place, weights=weight, minlength=values.size)) / weight.sum()
    label = np.minimum(np.ceil(share * _BINS - 1e-9).astype(np.int64), _BINS)[place]
    bins = []
    for name in np.unique(label):
        inside = label == name
        w, p = weight[inside], probabilities[inside]
        error = float(np.sqrt(np.sum(w * p * (1.0 - p)))) / float(w.sum())
        observed = float(np.average(played[inside], weights=w))
        bins.append(Reliability(float(np.average(p, weights=w)), observed, error, float(w.sum())))
    return tuple(bins)


def temperature(scores: FloatArray, choices: Choices) -> float:
    """Find the T for which scores / T give the likeliest choices.

    One number keeps the order of the arms and the sum of 1 for any eligible set, and is too little to overfit.

    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017), eq. 9.

    Args:
        scores: Of every eligible arm, from a model fitted on other rows, shape (m,).
        choices: What was played.
    """

    def loss(log_temperature: float) -> float:
        logs = log_softmax(scores / np.exp(log_temperature), choices.offsets)
        return -float(choices.weight @ logs[choices.chosen_at])

    bounds = (float(np.log(_COLDEST)), float(np.log(_HOTTEST)))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
