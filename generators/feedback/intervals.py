"""Intervals of shares and means over comments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Interval of a share.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".

    >>> i = wilson(8, 10); round(i.low, 4), round(i.high, 4)
    (0.4902, 0.9433)
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Interval(share, max(centre - half, 0.0), min(centre + half, 1.0))


def clustered_mean(values: Sequence[float], clusters: Sequence[str], level: float = 0.95, seed: int = 0) -> Interval:
    """Percentile bootstrap of a mean, drawing whole clusters: one loud shopper is one shopper.

    Source: Davison, Hinkley (1997), "Bootstrap methods and their application", sections 2.4 and 3.8.

    Args:
        values: n numbers.
        clusters: Who each is from.
        level: Of the interval.
        seed: Of the draws.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    rows = np.array([places[name] for name in clusters])
    sums = np.bincount(rows, weights=np.asarray(values, np.float64))
    counts = np.bincount(rows).astype(np.float64)
    drawn = np.random.default_rng(seed).multinomial(len(places), np.full(len(places), 1 / len(places)), _RESAMPLES)
    means = (drawn @ sums) / (drawn @ counts)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))
