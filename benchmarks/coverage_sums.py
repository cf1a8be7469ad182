"""From the rows of a simulated log to the statistics of a replay, by the product's own estimators and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import combinations_with_replacement

import numpy as np
from scipy.stats import norm

from benchmarks.coverage_world import ARMS, QUANTITIES, Floats, Ints, SimulatedLog
from simulator.diagnostics import Diagnostics
from simulator.estimators import ESTIMATORS, Case
from simulator.metric import Metric, metric_table
from simulator.statistic import Statistic
from simulator.totals import Totals

__all__ = ["BUCKETS", "METRICS", "Sums", "View"]

#: As in a replay, users beyond this number share buckets by hash.
BUCKETS = 4096
METRICS: Mapping[str, Metric] = {
    key: metric_table()[key] for key in ("ctr", "ctr_per_send", "cvr", "revenue", "profit", "roi")
}
_BY_USER = ("n", "w", "ips|clicked", "ips|converted", "ips|revenue", "dr|clicked")
_FEW = 200
_FOLDS = 5
_LEVEL = 0.99


class View(Enum):
    """Which totals a statistic is made of."""

    ALL = auto()
    FEW = auto()
    USERS = auto()


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Totals of one log over buckets of users, and what its verdict is made of.

    Attributes:
        totals: View → columns `n`, `w`, `ips|clicked`, `dr|clicked` and so on, `logged|clicked` for the logging policy.
            Views are all resamples, a few of them, and single users without any.
        diagnostics: Of the policy; `reward_ess` is 0, as it depends on the metric.
        reward_ess: Metric → effective number of rewarded users, the smallest of its parts.
    """

    totals: Mapping[View, Totals]
    diagnostics: Diagnostics
    reward_ess: Mapping[str, float]

    @classmethod
    def of(cls, log: SimulatedLog, bucket: Ints, weights: Floats) -> Sums:
        """Sum a log.

        Args:
            log: The log.
            bucket: Bucket of each user, shape (U,).
            weights: Of the resamples, shape (R, B).
        """
        columns = _columns(log)
        totals = {
            View.ALL: _totals(columns, bucket[log.user], weights),
            View.FEW: _totals(columns, bucket[log.user], weights[:_FEW]),
            View.USERS: _totals({key: columns[key] for key in _BY_USER}, log.user, np.zeros((0, bucket.size))),
        }
        for view in (View.ALL, View.FEW):
            totals[view].multiply(_PAIRS)
        by_user = {name: np.bincount(log.user, log.weight * log.reward[name]) for name in QUANTITIES}
        sizes = {name: _effective(values) for name, values in by_user.items()}
        rewarded = {key: min(sizes[name] for name in metric.parts) for key, metric in METRICS.items()}
        return cls(totals, _diagnostics(log), rewarded)

    def value(self, estimator: str, metric: str, view: View) -> Statistic:
        """Estimate a metric of the policy, or of the logging policy where the estimator is `logged`."""
        totals, chosen = self.totals[view], METRICS[metric]
        below = Statistic.of(totals, "w" if estimator == "snips" else "n")
        above = "ips" if estimator == "snips" else estimator
        return chosen.value({name: Statistic.of(totals, f"{above}|{name}").over(below) for name in chosen.quantities})


def _totals(columns: Mapping[str, Floats], bucket: Ints, weights: Floats) -> Totals:
    totals = Totals(weights, np.ones(weights.shape[1]))
    for key, values in columns.items():
        totals.add(key, bucket, values)
    return totals


def _columns(log: SimulatedLog) -> Mapping[str, Floats]:
    """Row terms; IPS and SNIPS share their numerators."""
    columns = {"n": np.ones_like(log.weight), "w": log.weight}
    fold = log.user % _FOLDS
    for name in QUANTITIES:
        model = _model(log.reward[name], fold, log)
        expected = (log.target * model[fold, log.segment]).sum(axis=1)
        case = Case(log.weight, log.reward[name], expected, model[fold, log.segment, log.arm])
        columns[f"logged|{name}"] = log.reward[name]
        for key in ("ips", "dr"):
            (ratio,) = ESTIMATORS[key].terms(case, np.nan)
            columns[f"{key}|{name}"] = ratio.numerator
    return columns


def _model(reward: Floats, fold: Ints, log: SimulatedLog) -> Floats:
    """Mean reward of each arm in each segment over the users of the other folds, shape (folds, segments, ARMS)."""
    cells = (int(log.segment.max()) + 1) * ARMS
    key = fold * cells + log.segment * ARMS + log.arm
    sums, counts = (np.bincount(key, each, _FOLDS * cells).reshape(_FOLDS, cells) for each in (reward, reward * 0 + 1))
    others = (sums.sum(axis=0) - sums) / np.maximum(counts.sum(axis=0) - counts, 1.0)
    return others.reshape(_FOLDS, -1, ARMS)


def _pairs() -> list[tuple[str, str]]:
    """Products that the standard errors of all statistics need."""
    below = {"ips": ("n", "w"), "dr": ("n",)}
    pairs: list[tuple[str, str]] = []
    for metric in METRICS.values():
        for key, bottoms in below.items():
            own = [f"{key}|{name}" for name in sorted(metric.quantities)]
            logged = [f"logged|{name}" for name in sorted(metric.quantities)]
            pairs += combinations_with_replacement([*own, *logged, *bottoms], 2)
    return pairs


_PAIRS = _pairs()


def _effective(values: Floats) -> float:
    square = float(np.sum(values**2))
    return float(np.sum(values)) ** 2 / square if square else 0.0


def _diagnostics(log: SimulatedLog) -> Diagnostics:
    weights, visits = np.bincount(log.user, log.weight), np.bincount(log.user).astype(np.float64)
    users, n = weights.size, float(visits.sum())
    mean = float(weights.sum()) / n
    spread = float(np.sum((weights - mean * visits) ** 2)) * users / (users - 1)
    half = float(norm.ppf((1 + _LEVEL) / 2)) * spread**0.5 / n
    ess = _effective(log.weight)
    return Diagnostics(
        ess=ess,
        ess_share=ess / n,
        user_ess=_effective(weights),
        reward_ess=0.0,
        max_weight=float(log.weight.max()),
        mean_weight=mean,
        mean_weight_low=mean - half,
        mean_weight_high=mean + half,
        match_rate=None,
        unsupported_mass=0.0,
        unsupported_arms=(),
    )
