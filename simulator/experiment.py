"""Compares two hashed shares of users that were served side by side: a randomised experiment, no counterfactual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray
from simulator.clusters import Clusters
from simulator.intervals import INTERVALS, Limits
from simulator.log import MODES, NO_TIME, Log
from simulator.metric import Metric, UndefinedMetric, metric_table
from simulator.quantities import Quantities
from simulator.resampling import Resampling
from simulator.statistic import Statistic
from simulator.thresholds import Thresholds
from simulator.totals import Totals
from simulator.verdict import VerdictName

__all__ = ["Comparison", "Experiment", "Span"]


@dataclass(frozen=True, slots=True)
class Span:
    """A value with its interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric in both shares.

    Attributes:
        metric: Which.
        treatment: Its value in the treated share.
        baseline: Its value in the other.
        difference: Treatment − baseline.
        lift: The difference as a share of the baseline.
        verdict: Whether the numbers of users allow a conclusion.
        reasons: Why not.
    """

    metric: Metric
    treatment: Span
    baseline: Span
    difference: Span
    lift: Span
    verdict: VerdictName
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        spans = {name: getattr(self, name) for name in ("treatment", "baseline", "difference", "lift")}
        plain = {name: {"value": s.value, "low": s.low, "high": s.high} for name, s in spans.items()}
        return {"metric": self.metric.key, **plain, "verdict": self.verdict.value, "reasons": list(self.reasons)}


class Experiment:
    """Two modes of a log, over the time in which both were served.

    Users were assigned by hash before anything was known of them, so the difference of means is unbiased; intervals
    are clustered by user. The time begins with the first decision of the later mode, as a live share begins only with
    the first snapshot, and clicks may drift.

    Source: Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments (2020), chapters 17 and 18.
    """

    def __init__(
        self,
        log: Log,
        treatment: str = "live",
        baseline: str = "control",
        *,
        margin: float = 1.0,
        level: float = 0.95,
        resamples: int = 1000,
        seed: int = 0,
        thresholds: Thresholds | None = None,
    ) -> None:
        """Prepare the comparison.

        Raises:
            InvalidInput: If a mode is unknown or the log has no decision of it.
        """
        self.treatment, self.baseline = treatment, baseline
        self._level = level
        self._thresholds = thresholds or Thresholds()
        self._metrics = metric_table(margin)
        self.log = _side_by_side(log, treatment, baseline)
        self._members = {mode: self.log.mode == MODES.index(mode) for mode in (treatment, baseline)}
        self._quantities = Quantities(self.log)
        self._clusters = Clusters.of(self.log)
        self._resampling = Resampling.of(self._clusters, resamples, seed)
        self._totals = Totals(self._resampling.weights, self._resampling.multiplicity)

    def users(self, mode: str) -> float:
        """How many users one share has."""
        return self._clusters.present(self._members[mode])

    def decisions(self, mode: str) -> int:
        """How many decisions one share has."""
        return int(self.log.count[self._members[mode]].sum())

    def compare(self, keys: Sequence[str]) -> list[Comparison]:
        """Compare metrics.

        Raises:
            InvalidInput: If a metric is unknown or needs the hold policy, which a comparison of shares does not have.
        """
        return [self._compare(self._known(key)) for key in keys]

    def _known(self, key: str) -> Metric:
        usable = [name for name, metric in self._metrics.items() if not metric.needs_hold]
        if key not in usable:
            raise InvalidInput(f"expected one of {', '.join(usable)}; got {key!r}", field="--metric")
        return self._metrics[key]

    def _compare(self, metric: Metric) -> Comparison:
        treated, base = self._value(metric, self.treatment), self._value(metric, self.baseline)
        verdict, reasons = self._verdict(metric)
        if treated is None or base is None:
            reasons = (*reasons, metric.undefined or "undefined in one share")
            empty = Span(None, None, None)
            return Comparison(metric, self._span(treated), self._span(base), empty, empty, VerdictName.REFUSED, reasons)
        difference = treated - base
        lift = difference.over(base) if base.point > 0 else None
        return Comparison(
            metric,
            self._span(treated),
            self._span(base),
            self._span(difference),
            self._span(lift),
            verdict,
            reasons,
        )

    def _value(self, metric: Metric, mode: str) -> Statistic | None:
        members = self._members[mode].astype(np.float64)
        decisions = self._sum(f"{mode}|decisions", members)
        try:
            return metric.value(
                {
                    name: self._sum(f"{mode}|{name}", members * self._quantities[name]).over(decisions)
                    for name in metric.quantities
                }
            )
        except UndefinedMetric:
            return None

    def _sum(self, key: str, rows: FloatArray) -> Statistic:
        if key not in self._totals:
            self._totals.put(key, self._resampling.totals(rows))
        return Statistic.of(self._totals, key)

    def _span(self, statistic: Statistic | None) -> Span:
        if statistic is None:
            return Span(None, None, None)
        bounds = INTERVALS["bootstrap_t"].bounds(statistic, self._level, Limits())
        return Span(statistic.point, bounds.low, bounds.high)

    def _verdict(self, metric: Metric) -> tuple[VerdictName, tuple[str, ...]]:
        """Refuse or doubt where users, or users with a reward, are few in either share."""
        limits = self._thresholds
        refused, weak = [], []
        for mode, members in self._members.items():
            counts = {
                "users": (self.users(mode), limits.refused_user_ess, limits.weak_user_ess),
                "rewarded users": (
                    self._rewarded(metric, members),
                    limits.refused_reward_ess,
                    limits.weak_reward_ess,
                ),
            }
            for name, (count, least, enough) in counts.items():
                text = f"{mode}: {count:,.0f} effective {name}"
                if count < least:
                    refused.append(f"{text}, under {least:g}")
                elif count < enough:
                    weak.append(f"{text}, under {enough:g}")
        if refused:
            return VerdictName.REFUSED, tuple(refused)
        return (VerdictName.WEAK if weak else VerdictName.TRUSTED), tuple(weak)

    def _rewarded(self, metric: Metric, members: BoolArray) -> float:
        rewards = sum((factor * self._quantities[name] for name, factor in metric.numerator.items()), np.zeros(1))
        return self._clusters.effective(np.abs(rewards) * members)


def _side_by_side(log: Log, treatment: str, baseline: str) -> Log:
    """The decisions of both modes since both were served."""
    starts = []
    for mode in (treatment, baseline):
        if mode not in MODES:
            raise InvalidInput(f"expected one of {', '.join(MODES)}; got {mode!r}", field="mode")
        rows = log.mode == MODES.index(mode)
        if not rows.any():
            raise InvalidInput(f"expected decisions of mode {mode}, got none in {log.source}", field="mode")
        starts.append(int(log.decided_at[rows].min()))
    both = np.isin(log.mode, [MODES.index(treatment), MODES.index(baseline)])
    return log.select(both & ((log.decided_at >= max(starts)) | (log.decided_at == NO_TIME)))
