"""Turns what was summed over a log into values, intervals and verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.stats import norm

from simulator.asked import ALWAYS_HOLD, Asked
from simulator.capped_channels import excess_reasons
from simulator.declared import Declared
from simulator.diagnostics import Diagnostics
from simulator.estimators import Estimator, Need
from simulator.intervals import Bounds, Interval, exact_bounds
from simulator.log_facts import LogFacts
from simulator.metric import HOLD_PREFIX, Metric, UndefinedMetric
from simulator.policies import EvaluationPolicy
from simulator.replay_settings import ReplaySettings
from simulator.report.pictures import PolicyPictures
from simulator.report.replay_report import Estimate, MetricReport, PolicyReport
from simulator.sample import Sample
from simulator.sensitivity_note import sensitivity_note
from simulator.valued import Valued
from simulator.verdict import judge

__all__ = ["Reporter", "doubted_reward"]

#: Estimators whose bias no interval shows.
_ASSUMING = frozenset(("dm", "mips", "bipw"))
#: Estimators that weigh by propensities alone, so that a sensitivity band of their values is known.
_BANDED = frozenset(("ips", "snips"))


def doubted_reward(facts: LogFacts, metrics: Sequence[Metric]) -> Mapping[str, float] | None:
    """Say what a sensitivity band is drawn for: the first metric, where propensities are estimates and it is a mean."""
    first = metrics[0]
    plain = not first.denominator and not first.needs_hold
    return first.numerator if facts.estimated and plain else None


class Reporter:
    """Writes the reports of policies from their samples.

    Args:
        facts: What is known of the log.
        metrics: What is estimated; the first gives a policy its verdict.
        estimators: How.
        interval: Drawn around every value.
        baselines: What policies are held against, by the name in reports.
        settings: Checked settings.
    """

    def __init__(
        self,
        facts: LogFacts,
        metrics: Sequence[Metric],
        estimators: Sequence[Estimator],
        interval: Interval,
        baselines: Mapping[str, EvaluationPolicy],
        settings: ReplaySettings,
    ) -> None:
        self._facts, self._metrics, self._estimators, self._settings = facts, metrics, estimators, settings
        self._interval, self._baselines = interval, baselines
        self._declared = Declared.of(settings, facts)
        self._doubted = doubted_reward(facts, metrics)
        self._capped = facts.capped | set(settings.thresholds.capped_channels)

    def report(self, spec: str, asked: Asked, pictures: PolicyPictures | None) -> PolicyReport:
        """Write one policy's report, once all rows were valued."""
        sample = asked.samples[spec]
        metrics = {metric.key: self._metric(metric, asked, sample) for metric in self._metrics}
        first = self._metrics[0]
        return PolicyReport(
            policy=spec,
            verdict=metrics[first.key].verdict,
            fallback_share=sample.fallback / sample.bench.decisions,
            diagnostics=self._diagnostics(sample, first),
            metrics=metrics,
            versus={
                name: {metric.key: self._versus(metric, asked, sample, policy.spec) for metric in self._metrics}
                for name, policy in self._baselines.items()
                if policy.spec != spec
            },
            notes=asked.notes,
            pictures=pictures,
        )

    def _diagnostics(self, sample: Sample, metric: Metric) -> Diagnostics:
        return Diagnostics.of(sample, metric, self._settings.thresholds.mean_weight_level)

    def _metric(self, metric: Metric, asked: Asked, sample: Sample) -> MetricReport:
        diagnostics = self._diagnostics(sample, metric)
        estimates = {}
        for estimator in self._estimators:
            try:
                valued = self.valued(metric, asked, sample, estimator)
                estimates[estimator.key] = self._honest(self._estimate(valued), metric, diagnostics)
            except UndefinedMetric as undefined:
                estimates[estimator.key] = self._undefined(str(undefined))
        missing = [estimate.reason for estimate in estimates.values() if estimate.value is None and estimate.reason]
        thresholds = self._settings.thresholds
        verdict = judge(
            diagnostics,
            diagnostics.reward_ess,
            thresholds,
            refusals=list(dict.fromkeys((*asked.refusals, *missing))),
            weaknesses=[
                *(() if sample.on_policy else self._doubts),
                *excess_reasons(sample, self._facts.log, self._capped, thresholds.capped_excess),
            ],
        )
        return MetricReport(verdict, estimates)

    def _versus(self, metric: Metric, asked: Asked, sample: Sample, baseline: str) -> Mapping[str, Estimate]:
        differences = {}
        for estimator in self._estimators:
            try:
                own = self.valued(metric, asked, sample, estimator)
                other = self.valued(metric, asked, asked.samples[baseline], estimator)
                difference = own.minus(other)
                if baseline == "logged":
                    difference = replace(difference, note=self._band(metric, estimator, sample, against_logged=True))
                differences[estimator.key] = self._estimate(difference)
            except UndefinedMetric as undefined:
                differences[estimator.key] = self._undefined(str(undefined))
        return differences

    def valued(self, metric: Metric, asked: Asked, sample: Sample, estimator: Estimator) -> Valued:
        """Estimate a metric, with the always-holding policy beside it where the metric compares with that.

        Raises:
            UndefinedMetric: When it has no value here.
        """
        if asked.refusals:
            raise UndefinedMetric(asked.refusals[0])
        means = {}
        for name in metric.quantities:
            source = sample
            if name.startswith(HOLD_PREFIX):
                if ALWAYS_HOLD not in asked.samples or not self._facts.hold_played:
                    raise UndefinedMetric("hold was never played, so there is nothing to compare with")
                source = asked.samples[ALWAYS_HOLD]
            means[name] = source.terms.mean(estimator, name.removeprefix(HOLD_PREFIX))
        if any(np.isnan(mean.statistic.point) for mean in means.values()):
            raise UndefinedMetric("the log never plays what this policy plays")
        own = [name for name in metric.denominator if not name.startswith(HOLD_PREFIX)]
        if own and not any(sample.seen[name] for name in own):
            # A model may still predict a trace of it, and a ratio to that trace means nothing.
            raise UndefinedMetric(metric.undefined)
        statistic = metric.value({name: mean.statistic for name, mean in means.items()})
        chosen = {mean.parameter for mean in means.values()}
        parameter = chosen.pop() if len(chosen) == 1 else math.nan
        limits = self._declared.limits(metric, estimator, sample)
        return Valued(statistic, limits, parameter, self._told(metric, estimator, sample))

    def _told(self, metric: Metric, estimator: Estimator, sample: Sample) -> str | None:
        share = sample.terms.accepted_share
        if Need.ACCEPTED in estimator.needs and share is not None:
            return f"accepts {share:.1%} of decisions"
        return self._band(metric, estimator, sample)

    def _band(
        self, metric: Metric, estimator: Estimator, sample: Sample, *, against_logged: bool = False
    ) -> str | None:
        """Say how far a value goes with the errors of estimated propensities."""
        if not self._facts.estimated or metric is not self._metrics[0] or estimator.key not in _BANDED:
            return None
        if sample.on_policy:
            return "estimated propensity: the log's own value rests on none"
        if self._doubted is None:
            return "estimated propensity: a ratio has no sensitivity band"
        return sensitivity_note(
            sample.sensitivity,
            self_normalised=estimator.key == "snips",
            share=metric.share,
            against_logged=against_logged,
        )

    def _estimate(self, valued: Valued) -> Estimate:
        bounds, settings = self._bounds(valued), self._settings
        return Estimate(
            valued.statistic.point,
            bounds.low,
            bounds.high,
            settings.adjusted_level,
            settings.interval,
            bounds.reason,
            valued.parameter if math.isfinite(valued.parameter) else None,
            valued.note,
        )

    def _bounds(self, valued: Valued) -> Bounds:
        settings, point = self._settings, valued.statistic.point
        level, adjusted = settings.level, settings.adjusted_level
        if level == adjusted or not self._interval.resampled:
            return self._interval.bounds(valued.statistic, adjusted, valued.limits)
        # So far out in the tails resamples are few: the interval is stretched as a normal one would be.
        bounds = self._interval.bounds(valued.statistic, level, valued.limits)
        if bounds.low is None or bounds.high is None:
            return bounds
        stretch = float(norm.ppf((1 + adjusted) / 2) / norm.ppf((1 + level) / 2))
        return Bounds.between(point - stretch * (point - bounds.low), point + stretch * (bounds.high - point))

    def _honest(self, estimate: Estimate, metric: Metric, diagnostics: Diagnostics) -> Estimate:
        """Give a share that was never, or always, seen an exact interval: resampling would only repeat it."""
        value, level, users = estimate.value, self._settings.adjusted_level, diagnostics.user_ess
        if metric.share and value in (0.0, 1.0) and estimate.low == estimate.high and users > 0:
            low, high = exact_bounds(value == 1.0, users, level)
            return replace(estimate, low=low, high=high, interval="exact", reason=None)
        if diagnostics.reward_ess == 0.0:
            unseen = "nothing of the kind was seen under this policy, so there is no interval"
            return replace(estimate, low=None, high=None, reason=unseen)
        return estimate

    @property
    def _doubts(self) -> list[str]:
        """What makes verdicts weak at best: draws that do not fit the propensities, estimators that assume much."""
        least = self._settings.thresholds.weak_mismatch_share * self._facts.summary.decisions
        alarms = [alarm for alarm in self._facts.alarms if alarm.decisions >= least]
        doubts = [f"sample ratio mismatch: {alarm}" for alarm in alarms[:1]]
        if self._facts.estimated:
            doubts.append(f"estimated propensity in {self._facts.estimated} decisions")
        keys = {estimator.key for estimator in self._estimators}
        if keys <= _ASSUMING:
            doubts.append(f"{', '.join(sorted(keys))} alone is never trusted: no log can check what it assumes")
        return doubts

    def _undefined(self, reason: str) -> Estimate:
        return Estimate(None, None, None, self._settings.adjusted_level, self._settings.interval, reason)
