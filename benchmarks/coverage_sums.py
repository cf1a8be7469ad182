"""From the rows of a simulated log to the statistics of a replay, by the product's own estimators and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from coverage_world import ARMS, QUANTITIES, Floats, Ints, SimulatedLog, World

from simulator.diagnostics import Diagnostics
from simulator.estimators import ESTIMATORS, Case
from simulator.metric import Metric, metric_table
from simulator.statistic import Statistic
from simulator.totals import Totals

__all__ = ["BUCKETS", "ESTIMATED", "METRICS", "Sums"]

#: As the replay does: users beyond this number share buckets by hash.
BUCKETS = 4096
ESTIMATED = ("ips", "snips", "dr")
METRICS: Mapping[str, Metric] = {
    key: metric
    for key, metric in metric_table().items()
    if key in ("ctr", "ctr_per_send", "cvr", "revenue", "profit", "roi")
}
_FOLDS = 5
_LEVEL = 0.99


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Totals of one log, over buckets of users; users are independent, each in one bucket drawn at random.

    Attributes:
        totals: Columns `ips|clicked` and so on, `n`, `w`; `logged|clicked` for the logging policy.
        diagnostics: Of the policy; `reward_ess` is left at 0, as it depends on the metric.
        reward_ess: Metric → effective number of rewarded users, the smaller of the two of a ratio.
        largest: Metric → share of the largest user in Σ(w r)².
    """

    totals: Totals
    diagnostics: Diagnostics
    reward_ess: Mapping[str, float]
    largest: Mapping[str, float]

    @classmethod
    def of(cls, log: SimulatedLog, bucket: Ints, weights: Floats) -> Sums:
        """Sum a log.

        Args:
            log: The log.
            bucket: Bucket of each user, shape (U,).
            weights: Of the resamples, shape (R, B).
        """
        totals = Totals(weights, np.ones(weights.shape[1]))
        row = bucket[log.user]
        for key, values in _columns(log).items():
            totals.add(key, row, values)
        by_user = {name: np.bincount(log.user, log.weight * log.reward[name]) for name in QUANTITIES}
        parts = {
            key: [_combined(side, by_user) for side in (metric.numerator, metric.denominator) if side]
            for key, metric in METRICS.items()
        }
        return cls(
            totals,
            _diagnostics(log),
            {key: min(_effective(np.abs(part)) for part in sides) for key, sides in parts.items()},
            {
                key: max(float((part**2).max() / max((part**2).sum(), 1e-300)) for part in sides)
                for key, sides in parts.items()
            },
        )

    def value(self, estimator: str, metric: str) -> Statistic:
        """Estimate a metric of the policy, or of the logging policy by `logged`."""
        totals, chosen = self.totals, METRICS[metric]
        below = Statistic.of(totals, "w" if estimator == "snips" else "n")
        above = "ips" if estimator == "snips" else estimator
        return chosen.value({name: Statistic.of(totals, f"{above}|{name}").over(below) for name in chosen.quantities})


def _columns(log: SimulatedLog) -> Mapping[str, Floats]:
    """Row terms; IPS and SNIPS share their numerators."""
    columns = {"n": np.ones_like(log.weight), "w": log.weight}
    place = log.segment * ARMS + log.arm
    fold = log.user % _FOLDS
    at_chosen = np.zeros(1)
    for name in QUANTITIES:
        model = _model(log.reward[name], fold, place)
        at_chosen = model[fold, log.segment, log.arm]
        expected = (log.target * model[fold, log.segment]).sum(axis=1)
        case = Case(log.weight, log.reward[name], expected, at_chosen)
        columns[f"logged|{name}"] = log.reward[name]
        for key in ("ips", "dr"):
            (ratio,) = ESTIMATORS[key].terms(case, np.nan)
            columns[f"{key}|{name}"] = ratio.numerator
    return columns


def _model(reward: Floats, fold: Ints, place: Ints) -> Floats:
    """Mean reward of each arm in each segment over the users of the other folds, shape (folds, segments, ARMS)."""
    cells = int(place.max()) + 1
    cells += -cells % ARMS
    key = fold * cells + place
    sums, counts = (
        np.bincount(key, each, _FOLDS * cells).reshape(_FOLDS, cells) for each in (reward, np.ones_like(reward))
    )
    others = (sums.sum(axis=0) - sums) / np.maximum(counts.sum(axis=0) - counts, 1.0)
    return others.reshape(_FOLDS, -1, ARMS)


def _combined(side: Mapping[str, float], by_user: Mapping[str, Floats]) -> Floats:
    return np.asarray(sum(factor * by_user[name] for name, factor in side.items()))


def _effective(values: Floats) -> float:
    square = float(np.sum(values**2))
    return float(np.sum(values)) ** 2 / square if square else 0.0


def _diagnostics(log: SimulatedLog) -> Diagnostics:
    from scipy.stats import norm

    weights, visits = np.bincount(log.user, log.weight), np.bincount(log.user).astype(np.float64)
    users, n = weights.size, float(visits.sum())
    mean = float(weights.sum()) / n
    half = float(norm.ppf((1 + _LEVEL) / 2) * np.sqrt(np.sum((weights - mean * visits) ** 2) * users / (users - 1)) / n)
    ess = _effective(log.weight)
    return Diagnostics(
        ess, ess / n, _effective(weights), 0.0, float(log.weight.max()), mean, mean - half, mean + half, None, 0.0, ()
    )
