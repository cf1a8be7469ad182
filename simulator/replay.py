"""Values policies on a log's decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.bench import Bench, Sample
from simulator.capped_channels import capped_channels, excess_reasons
from simulator.clusters import Clusters
from simulator.diagnostics import Diagnostics, reward_ess
from simulator.estimators import Estimator
from simulator.intervals import INTERVALS, Limits, exact_bounds
from simulator.log import HOLD, Log
from simulator.metric import HOLD_PREFIX, Metric, UndefinedMetric
from simulator.policies import Constant, EvaluationPolicy, Logged, PolicyAnswer, PolicySetting, Uniform, parse_policy
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import Estimate, MetricReport, PolicyReport
from simulator.split import Split
from simulator.statistic import Statistic
from simulator.verdict import judge

__all__ = ["Replay"]


class Replay:
    """One log, one set of metrics and estimators; asked for a policy at a time.

    Args:
        log: Decisions of the modes that say what a policy is worth, at least one.
        metrics: What is estimated; the first gives a policy its verdict.
        estimators: By key.
        settings: Checked settings.
        rank_by: Metric that best_constant maximises.
    """

    def __init__(
        self,
        log: Log,
        metrics: Sequence[Metric],
        estimators: Sequence[Estimator],
        settings: ReplaySettings,
        rank_by: Metric,
    ) -> None:
        self._log, self._metrics, self._estimators, self._settings = log, metrics, estimators, settings
        clusters = Clusters.of(log, settings.cluster)
        self._split = Split.of(log, clusters, settings.split, delay_us=settings.delay_us, seed=settings.seed)
        quantities = Quantities(log, settings.objective, settings.reward_max)
        self._setting = PolicySetting(_reward(rank_by, quantities), self._split.folds)
        self._capped = capped_channels(log) | set(settings.thresholds.capped_channels)
        self._interval = INTERVALS[settings.interval]
        self._answers: dict[str, PolicyAnswer] = {}
        self._benches: dict[bytes, Bench] = {}
        # By identity of the sample, which lives as long as this does.
        self._diagnosed: dict[int, Diagnostics] = {}
        self._samples: dict[tuple[bytes, str], Sample] = {}
        self._statistics: dict[tuple[bytes, str, str, str], Statistic] = {}

    def policy(self, spec: str) -> PolicyReport:
        """Value one policy.

        Raises:
            InvalidInput: When the SPEC is unknown or the policy cannot be asked about this log.
        """
        policy = parse_policy(spec, self._setting)
        answer = self._answer(policy)
        rows = answer.judged & self._split.judged
        if not rows.any():
            # Nothing may be judged, yet the report has its shape: diagnostics of all rows, and no value.
            rows = self._split.judged
        sample = self._sample(policy, rows)
        metrics = {metric.key: self._metric(metric, policy, sample, rows) for metric in self._metrics}
        first = self._metrics[0]
        return PolicyReport(
            policy=spec,
            verdict=metrics[first.key].verdict,
            fallback_share=_share(sample.answer.fallback, sample.bench.log),
            diagnostics=self._diagnostics(sample, first),
            metrics=metrics,
            versus={
                baseline.spec: {metric.key: self._versus(metric, policy, baseline, rows) for metric in self._metrics}
                for baseline in (Logged(), Uniform())
                if baseline.spec != spec
            },
            notes=answer.notes,
        )

    def _answer(self, policy: EvaluationPolicy) -> PolicyAnswer:
        if policy.spec not in self._answers:
            answer = policy.answer(self._log)
            if not answer.refusals and not (answer.judged & self._split.judged).any():
                answer = replace(answer, refusals=("no decision of the log may judge this policy",))
            self._answers[policy.spec] = answer
        return self._answers[policy.spec]

    def _sample(self, policy: EvaluationPolicy, rows: BoolArray) -> Sample:
        key = rows.tobytes()
        if key not in self._benches:
            settings, log = self._settings, self._log.select(rows)
            self._benches[key] = Bench(
                log,
                Quantities(log, settings.objective, settings.reward_max),
                Clusters.of(log, settings.cluster),
                settings.resamples if self._interval.resampled else 0,
                settings.seed,
            )
        if (key, policy.spec) not in self._samples:
            answer = self._answer(policy).select(self._log, rows)
            self._samples[key, policy.spec] = Sample(self._benches[key], answer)
        return self._samples[key, policy.spec]

    def _diagnostics(self, sample: Sample, metric: Metric) -> Diagnostics:
        """Measure a policy once; only the rewarded users differ from metric to metric."""
        rewarded, key = _metric_ess(metric, sample), id(sample)
        if key not in self._diagnosed:
            self._diagnosed[key] = Diagnostics.of(sample, rewarded, self._settings.thresholds.mean_weight_level)
        return replace(self._diagnosed[key], reward_ess=rewarded)

    def _metric(self, metric: Metric, policy: EvaluationPolicy, sample: Sample, rows: BoolArray) -> MetricReport:
        rewarded = _metric_ess(metric, sample)
        diagnostics = self._diagnostics(sample, metric)
        estimates = {}
        for estimator in self._estimators:
            try:
                statistic = self._value(metric, policy, estimator, rows)
                estimate = self._estimate(statistic)
                estimates[estimator.key] = self._honest(estimate, metric, rewarded, diagnostics.user_ess)
            except UndefinedMetric as undefined:
                estimates[estimator.key] = self._undefined(str(undefined))
        missing = [estimate.reason for estimate in estimates.values() if estimate.value is None and estimate.reason]
        thresholds = self._settings.thresholds
        verdict = judge(
            diagnostics,
            rewarded,
            thresholds,
            refusals=list(dict.fromkeys((*sample.answer.refusals, *missing))),
            weaknesses=excess_reasons(sample, self._capped, thresholds.capped_excess),
        )
        return MetricReport(verdict, estimates)

    def _versus(
        self, metric: Metric, policy: EvaluationPolicy, baseline: EvaluationPolicy, rows: BoolArray
    ) -> Mapping[str, Estimate]:
        differences = {}
        for estimator in self._estimators:
            try:
                difference = self._value(metric, policy, estimator, rows) - self._value(
                    metric, baseline, estimator, rows
                )
                differences[estimator.key] = self._estimate(difference)
            except UndefinedMetric as undefined:
                differences[estimator.key] = self._undefined(str(undefined))
        return differences

    def _value(self, metric: Metric, policy: EvaluationPolicy, estimator: Estimator, rows: BoolArray) -> Statistic:
        """Estimate a metric, with the always-holding policy beside it where the metric compares with that.

        Raises:
            UndefinedMetric: When it has no value here.
        """
        refusals = self._answer(policy).refusals
        if refusals:
            raise UndefinedMetric(refusals[0])
        estimates = {}
        for name in metric.quantities:
            asked = policy
            if name.startswith(HOLD_PREFIX):
                hold = self._log.code(HOLD)
                if hold is None or not (self._log.arm == hold).any():
                    raise UndefinedMetric("hold was never played, so there is nothing to compare with")
                asked = Constant(HOLD)
            estimates[name] = self._statistic(asked, estimator, name.removeprefix(HOLD_PREFIX), rows)
        if any(np.isnan(statistic.point) for statistic in estimates.values()):
            raise UndefinedMetric("the log never plays what this policy plays")
        sample = self._sample(policy, rows)
        own = [name for name in metric.denominator if not name.startswith(HOLD_PREFIX)]
        if own and not any(np.any(sample.weight * sample.bench.quantities[name]) for name in own):
            # A model may still predict a trace of it, and a ratio to that trace means nothing.
            raise UndefinedMetric(metric.undefined)
        return metric.value(estimates)

    def _statistic(self, policy: EvaluationPolicy, estimator: Estimator, name: str, rows: BoolArray) -> Statistic:
        key = (rows.tobytes(), policy.spec, estimator.key, name)
        if key not in self._statistics:
            self._statistics[key] = self._sample(policy, rows).statistics(estimator, {name})[name]
        return self._statistics[key]

    def _estimate(self, statistic: Statistic) -> Estimate:
        settings = self._settings
        bounds = self._interval.bounds(statistic, settings.level, Limits())
        return Estimate(statistic.point, bounds.low, bounds.high, settings.level, settings.interval, bounds.reason)

    def _honest(self, estimate: Estimate, metric: Metric, rewarded: float, users: float) -> Estimate:
        """Give a share that was never, or always, seen an exact interval: resampling would only repeat it."""
        value, level = estimate.value, self._settings.level
        if metric.share and value in (0.0, 1.0) and estimate.low == estimate.high and users > 0:
            low, high = exact_bounds(value == 1.0, users, level)
            return Estimate(value, low, high, level, "exact")
        if rewarded == 0.0:
            unseen = "nothing of the kind was seen under this policy, so there is no interval"
            return Estimate(value, None, None, level, self._settings.interval, unseen)
        return estimate

    def _undefined(self, reason: str) -> Estimate:
        return Estimate(None, None, None, self._settings.level, self._settings.interval, reason)


def _reward(metric: Metric, quantities: Quantities) -> FloatArray:
    """Combine the policy's own quantities of the metric's numerator, shape (n,)."""
    own = {name: factor for name, factor in metric.numerator.items() if not name.startswith(HOLD_PREFIX)}
    return np.asarray(sum(factor * quantities[name] for name, factor in own.items()))


def _metric_ess(metric: Metric, sample: Sample) -> float:
    """Give the effective number of rewarded users; of a metric of several parts, the smallest of theirs."""
    sizes = {name: reward_ess(sample, sample.bench.quantities[name]) for name in metric.parts}
    return min(size for name, size in sizes.items() if size > 0.0 or metric.parts[name])


def _share(rows: BoolArray, log: Log) -> float:
    return float(np.sum(log.count * rows)) / log.decisions
