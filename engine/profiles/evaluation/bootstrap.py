"""Intervals of means over shoppers, and of paired differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its interval.

    Attributes:
        value: The mean.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def resampling_weights(shoppers: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """How often each shopper is drawn in each resample, over the number of shoppers; shape (resamples, shoppers).

    One weight matrix for all rankers makes their differences paired.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(shoppers, np.full(shoppers, 1.0 / shoppers), size=resamples) / shoppers


def interval(values: NDArray[np.float64], weights: NDArray[np.float64], level: float = 0.95) -> Interval:
    """Percentile interval of a mean over shoppers.

    Args:
        values: One number a shopper (all of a shopper's events are in it, so shoppers are the clusters); shape (n,).
        weights: See `resampling_weights`.
        level: Of the interval.

    Source: Efron & Tibshirani (1993), An introduction to the bootstrap, ch. 13.
    """
    means = weights @ values
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(means, (tail, 1.0 - tail))
    return Interval(float(values.mean()), float(low), float(high))
