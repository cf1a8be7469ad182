"""How good predictions are: ranking, calibration, and intervals that draw whole groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from generators.texts.copy_outcomes import CopyOutcome

Array = NDArray[np.float64]
_RESAMPLES = 1000


def auc(scores: Array, good: NDArray[np.bool_]) -> float:
    """P(a good text scores above a bad one), ties counting half.

    Source: Mann, Whitney (1947); by ranks.
    """
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    n = int(good.sum())
    return float((ranks[good].sum() - n * (n + 1) / 2) / (n * (len(values[inverse]) - n)))


def pairwise(outcomes: Sequence[CopyOutcome], predicted: Array) -> tuple[Array, Array, list[str]]:
    """Compare copies within groups: how many pairs a group has, and how many of them are ranked as clicks rank them.

    Pairs with equal click rates are left out; equal predictions count half.

    Returns:
        Pairs and right ones, each shape (g,), and the groups' names.
    """
    groups: dict[str, list[tuple[float, float]]] = {}
    for outcome, p in zip(outcomes, predicted, strict=True):
        groups.setdefault(outcome.group, []).append((outcome.successes / outcome.trials, float(p)))
    pairs, right = [], []
    for members in groups.values():
        rate, p = np.array(members).T
        upper = np.triu_indices(len(members), 1)
        seen, said = np.sign(rate[:, None] - rate)[upper], np.sign(p[:, None] - p)[upper]
        told = seen != 0
        pairs.append(float(told.sum()))
        right.append(float((said[told] == seen[told]).sum() + 0.5 * (said[told] == 0).sum()))
    return np.array(pairs), np.array(right), list(groups)


def bootstrap(
    statistic: Callable[[Array], float], groups: int, *, level: float = 0.95, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of a statistic of group weights, drawing whole groups with replacement.

    Args:
        statistic: Of how often each group was drawn, shape (groups,).
        groups: How many.
        level: Of the interval.
        seed: Of the draws.
    """
    draw = np.random.default_rng(seed)
    values = [statistic(draw.multinomial(groups, np.full(groups, 1 / groups)).astype(float)) for _ in range(_RESAMPLES)]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def binomial_log_loss(outcomes: Sequence[CopyOutcome], predicted: Array) -> float:
    """Mean negative log-likelihood of an impression, in nats."""
    n, s = np.array([o.trials for o in outcomes]), np.array([o.successes for o in outcomes])
    return float(-np.sum(s * np.log(predicted) + (n - s) * np.log1p(-predicted)) / n.sum())


def reliability(outcomes: Sequence[CopyOutcome], predicted: Array, bins: int = 5) -> list[tuple[float, float, float]]:
    """Compare predicted and seen rates in bins of equally many copies.

    Returns:
        (mean prediction, rate seen, impressions) of each bin, both means by impressions.
    """
    n, s = np.array([o.trials for o in outcomes]), np.array([o.successes for o in outcomes])
    parts = np.array_split(np.argsort(predicted, kind="stable"), bins)
    return [
        (float(np.average(predicted[i], weights=n[i])), float(s[i].sum() / n[i].sum()), float(n[i].sum()))
        for i in parts
    ]
