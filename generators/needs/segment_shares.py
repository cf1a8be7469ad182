"""How sure it is that a segment cares more for a topic than the shop does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, ttest_1samp

from generators.needs.trend import FADING, GROWING, STEADY, UNKNOWN, Trend

_DRAWS = 1000
_MOST_MEMBERS = 2000
_LEVEL = 0.1
_LEAST_MEMBERS = 5


@dataclass(frozen=True, slots=True)
class SegmentShares:
    """Of the topics, shape (k,) each; members count alike, however much they do.

    Attributes:
        share: Mean of the members' shares.
        low: 5 % quantile.
        high: 95 % quantile.
        confidence: P(mean of such shoppers' shares > the shop's).
        base: The shop's: the mean over all shoppers.
    """

    share: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    confidence: NDArray[np.float64]
    base: NDArray[np.float64]


def member_shares(tallied: pl.DataFrame, users: Sequence[str], topics: int) -> NDArray[np.float64]:
    """Recency-weighted share of each topic for each shopper, shape (n, k).

    Args:
        tallied: See `tallies`; of these shoppers.
        users: Rows, in order.
        topics: k.
    """
    place = {user: row for row, user in enumerate(users)}
    weights = np.zeros((len(users), topics))
    rows = np.array([place[user] for user in tallied["user"]], dtype=np.int64)
    weights[rows, tallied["topic"].to_numpy()] = tallied["weight"].to_numpy()
    return np.asarray(weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-300))


def segment_shares(members: NDArray[np.float64], base: NDArray[np.float64], seed: int) -> SegmentShares:
    """Bayesian bootstrap over members and one more who is as the shop: few members tell little.

    Of more than 2,000 members, a sample of 2,000 is drawn for the intervals.

    Args:
        members: Shares, shape (n, k).
        base: The shop's, shape (k,).
        seed: Of the draws.

    Source: Rubin (1981), The Bayesian bootstrap.
    """
    rng = np.random.default_rng(seed)
    values = np.vstack([members, base])
    share = values.mean(axis=0)
    if len(values) > _MOST_MEMBERS:
        values = values[np.sort(rng.choice(len(values), _MOST_MEMBERS, replace=False))]
    weights = rng.standard_exponential((_DRAWS, len(values)))
    weights /= weights.sum(axis=1, keepdims=True)
    draws = weights @ values
    low, high = np.quantile(draws, (0.05, 0.95), axis=0)
    sure = ((draws > base).sum(axis=0) + 0.5) / (_DRAWS + 1.0)
    return SegmentShares(share, low, high, sure, base)


def segment_trends(recent: NDArray[np.float64], earlier: NDArray[np.float64], topics: Sequence[int]) -> list[Trend]:
    """Mean change of the members' shares, for members with recent and earlier touches.

    A t test over members, p values adjusted by Benjamini and Hochberg over the topics; below 0.1 is a trend.

    Args:
        recent: Touches of each member in each topic, shape (n, k).
        earlier: Alike.
        topics: Which to tell.
    """
    both = (recent.sum(axis=1) > 0) & (earlier.sum(axis=1) > 0)
    if both.sum() < _LEAST_MEMBERS or not topics:
        return [Trend(UNKNOWN, None, None, None) for _ in topics]
    now = recent[both] / recent[both].sum(axis=1, keepdims=True)
    before = earlier[both] / earlier[both].sum(axis=1, keepdims=True)
    raw = []
    for topic in topics:
        change = now[:, topic] - before[:, topic]
        raw.append(float(ttest_1samp(change, 0.0).pvalue) if change.std() > 1e-12 else 1.0)
    found = []
    for topic, p in zip(topics, false_discovery_control(raw), strict=True):
        means = float(now[:, topic].mean()), float(before[:, topic].mean())
        direction = STEADY if p >= _LEVEL else GROWING if means[0] > means[1] else FADING
        found.append(Trend(direction, *means, float(p)))
    return found
