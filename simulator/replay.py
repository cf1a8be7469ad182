"""Values policies on a log's decisions, in two passes over its chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from simulator.arrays import BoolArray, FloatArray
from simulator.bench import Bench, Part
from simulator.capped_channels import excess_reasons
from simulator.crossfit import CrossFit
from simulator.diagnostics import Diagnostics
from simulator.estimators import Estimator, Need
from simulator.intervals import INTERVALS, exact_bounds
from simulator.log import HOLD, Log
from simulator.log_facts import LogFacts
from simulator.metric import HOLD_PREFIX, Metric, UndefinedMetric
from simulator.policies import (
    Constant,
    EvaluationPolicy,
    Logged,
    PolicyAnswer,
    PolicySetting,
    Prepared,
    Restricted,
    Uniform,
    parse_policy,
)
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import Estimate, MetricReport, PolicyReport
from simulator.resampling import Resampling
from simulator.sample import Sample, combined
from simulator.split import Split
from simulator.statistic import Statistic
from simulator.verdict import judge

__all__ = ["Replay"]

_ALWAYS_HOLD = f"constant:{HOLD}"


@dataclass(slots=True, eq=False)
class _Asked:
    """A policy that was asked for, and the rows that judge it."""

    policy: EvaluationPolicy
    judged: int = 0
    left_out: int = 0
    rows: bytes = b""
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    samples: dict[str, Sample] = field(default_factory=dict)


class Replay:
    """One log, one set of policies, metrics and estimators.

    Args:
        facts: What is known of the log; at least one decision values a policy.
        specs: The policies.
        metrics: What is estimated; the first gives a policy its verdict.
        estimators: By key.
        settings: Checked settings.
        rank_by: Metric that best_constant maximises.
    """

    def __init__(
        self,
        facts: LogFacts,
        specs: Sequence[str],
        metrics: Sequence[Metric],
        estimators: Sequence[Estimator],
        settings: ReplaySettings,
        rank_by: Metric,
    ) -> None:
        self._facts, self._metrics, self._estimators, self._settings = facts, metrics, estimators, settings
        self._split = Split.of(facts, settings.split, delay_us=settings.delay_us, seed=settings.seed)
        self._capped = set(facts.capped) | set(settings.thresholds.capped_channels)
        self._interval = INTERVALS[settings.interval]
        self._own = {name: factor for name, factor in rank_by.numerator.items() if not name.startswith(HOLD_PREFIX)}
        setting = PolicySetting(self._ranked_reward, self._split.folds)
        self._asked = {spec: _Asked(parse_policy(spec, setting)) for spec in specs}
        self._baselines = {policy.spec: policy for policy in (Logged(), Uniform())}
        self._resampling = Resampling.of(
            facts.clusters, settings.resamples if self._interval.resampled else 0, settings.seed
        )
        self._crossfit = CrossFit(facts, settings) if self._needs(Need.MODEL) else None

    def reports(self) -> tuple[PolicyReport, ...]:
        """Value every policy.

        Raises:
            InvalidInput: When a policy cannot be asked about this log.
        """
        self._prepare()
        self._value_all()
        return tuple(self._report(spec, asked) for spec, asked in self._asked.items())

    def _needs(self, need: Need) -> bool:
        return any(need in estimator.needs for estimator in self._estimators)

    def _quantities(self, log: Log) -> Quantities:
        return Quantities(log, self._settings.objective, self._settings.reward_max)

    def _ranked_reward(self, log: Log) -> FloatArray:
        return combined(self._own, self._quantities(log))

    def _prepare(self) -> None:
        """Let policies and reward model see the whole log, and settle which rows judge which policy."""
        judged: dict[str, list[BoolArray]] = {spec: [] for spec in self._asked}
        for log in self._facts.chunks():
            for spec, asked in self._asked.items():
                if isinstance(asked.policy, Prepared):
                    asked.policy.observe(log)
                judged[spec].append(self._judges(asked, log))
            if self._crossfit is not None:
                self._crossfit.add(log, self._quantities(log), self._names)
        for spec, asked in self._asked.items():
            self._settle(asked, np.concatenate(judged[spec]))
        if self._crossfit is not None:
            self._crossfit.fit()

    @property
    def _names(self) -> list[str]:
        return sorted({name.removeprefix(HOLD_PREFIX) for metric in self._metrics for name in metric.quantities})

    def _judges(self, asked: _Asked, log: Log) -> BoolArray:
        rows = self._split.judged[log.place]
        if isinstance(asked.policy, Restricted):
            may = asked.policy.judges(log)
            asked.judged += int(log.count[may].sum())
            asked.left_out += int(log.count[~may].sum())
            rows = rows & may
        return rows

    def _settle(self, asked: _Asked, rows: BoolArray) -> None:
        policy = asked.policy
        notes = policy.settle() if isinstance(policy, Prepared) else ()
        if isinstance(policy, Restricted):
            notes = (*notes, *policy.told(asked.judged, asked.left_out))
            if not asked.judged:
                asked.refusals = (policy.refusal,)
        asked.notes = notes
        if not rows.any():
            asked.refusals = asked.refusals or ("no decision of the log may judge this policy",)
            # Nothing may be judged, yet the report has its shape: diagnostics of all rows, and no value.
            rows = self._split.judged
        asked.rows = np.packbits(rows).tobytes()

    def _value_all(self) -> None:
        """Ask every policy about every chunk once, and add up what follows from its answers."""
        benches = self._benches()
        for log in self._facts.chunks():
            whole, answers = self._part(log), _Answers(log)
            for mask, bench, samples in benches:
                rows = mask[log.place]
                if not rows.any():
                    continue
                part = whole.select(rows)
                bench.add(part)
                for policy, sample in samples:
                    sample.add(part, answers.of(policy).select(log, rows), by_arm=bool(self._capped))
        for _, bench, _ in benches:
            bench.close()

    def _benches(self) -> list[tuple[BoolArray, Bench, list[tuple[EvaluationPolicy, Sample]]]]:
        """Make a bench for every set of rows, with the policies judged there and those they are held against."""
        beside: dict[str, EvaluationPolicy] = dict(self._baselines)
        if self._facts.hold_played and any(metric.needs_hold for metric in self._metrics):
            beside[_ALWAYS_HOLD] = Constant(HOLD)
        made = []
        for key in dict.fromkeys(asked.rows for asked in self._asked.values()):
            bench = Bench(self._facts.clusters, self._resampling)
            here = {spec: asked.policy for spec, asked in self._asked.items() if asked.rows == key}
            policies = {**beside, **here}
            samples = {
                spec: Sample(bench, spec, self._metrics, self._estimators, self._facts.log.arms) for spec in policies
            }
            for spec in here:
                self._asked[spec].samples = samples
            mask = np.unpackbits(np.frombuffer(key, dtype=np.uint8), count=self._facts.rows).astype(bool)
            made.append((mask, bench, [(policy, samples[spec]) for spec, policy in policies.items()]))
        return made

    def _part(self, log: Log) -> Part:
        clusters = self._facts.clusters
        unit = clusters.unit[log.place]
        quantities = self._quantities(log)
        crossfit = self._crossfit
        return Part(
            log,
            quantities,
            (lambda _: np.zeros(0)) if crossfit is None else crossfit.predictions(log),
            unit,
            self._resampling.bucket[unit],
            clusters.within[log.place],
            _unsupported(log, self._facts.plays > 0),
        )

    def _report(self, spec: str, asked: _Asked) -> PolicyReport:
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
                baseline: {metric.key: self._versus(metric, asked, sample, baseline) for metric in self._metrics}
                for baseline in self._baselines
                if baseline != spec
            },
            notes=asked.notes,
        )

    def _diagnostics(self, sample: Sample, metric: Metric) -> Diagnostics:
        measured = Diagnostics.of(sample, metric.key, self._settings.thresholds.mean_weight_level)
        below = [name for name in metric.denominator if not name.startswith(HOLD_PREFIX)]
        sizes = [sample.bench.clusters.effective_size(sample.rewarded[f"quantity:{name}"]) for name in below]
        # Of a ratio, the smaller of its two parts counts.
        return replace(measured, reward_ess=min([measured.reward_ess, *sizes]))

    def _metric(self, metric: Metric, asked: _Asked, sample: Sample) -> MetricReport:
        diagnostics = self._diagnostics(sample, metric)
        estimates = {}
        for estimator in self._estimators:
            try:
                estimate = self._estimate(self._statistic(metric, asked, sample, estimator))
                estimates[estimator.key] = self._honest(estimate, metric, diagnostics)
            except UndefinedMetric as undefined:
                estimates[estimator.key] = self._undefined(str(undefined))
        missing = [estimate.reason for estimate in estimates.values() if estimate.value is None and estimate.reason]
        thresholds = self._settings.thresholds
        verdict = judge(
            diagnostics,
            diagnostics.reward_ess,
            thresholds,
            refusals=list(dict.fromkeys((*asked.refusals, *missing))),
            weaknesses=excess_reasons(sample, self._facts.log, self._capped, thresholds.capped_excess),
        )
        return MetricReport(verdict, estimates)

    def _versus(self, metric: Metric, asked: _Asked, sample: Sample, baseline: str) -> Mapping[str, Estimate]:
        differences = {}
        for estimator in self._estimators:
            try:
                own = self._statistic(metric, asked, sample, estimator)
                other = self._statistic(metric, asked, asked.samples[baseline], estimator)
                differences[estimator.key] = self._estimate(own - other)
            except UndefinedMetric as undefined:
                differences[estimator.key] = self._undefined(str(undefined))
        return differences

    def _statistic(self, metric: Metric, asked: _Asked, sample: Sample, estimator: Estimator) -> Statistic:
        """Estimate a metric, with the always-holding policy beside it where the metric compares with that.

        Raises:
            UndefinedMetric: When it has no value here.
        """
        if asked.refusals:
            raise UndefinedMetric(asked.refusals[0])
        estimates = {}
        for name in metric.quantities:
            source = sample
            if name.startswith(HOLD_PREFIX):
                if _ALWAYS_HOLD not in asked.samples or not self._facts.hold_played:
                    raise UndefinedMetric("hold was never played, so there is nothing to compare with")
                source = asked.samples[_ALWAYS_HOLD]
            estimates[name] = source.statistic(estimator, name.removeprefix(HOLD_PREFIX))
        if any(np.isnan(statistic.point) for statistic in estimates.values()):
            raise UndefinedMetric("the log never plays what this policy plays")
        own = [name for name in metric.denominator if not name.startswith(HOLD_PREFIX)]
        if own and not any(sample.seen[name] for name in own):
            # A model may still predict a trace of it, and a ratio to that trace means nothing.
            raise UndefinedMetric(metric.undefined)
        return metric.value(estimates)

    def _estimate(self, statistic: Statistic) -> Estimate:
        settings = self._settings
        bounds = self._interval.bounds(statistic, statistic.totals.multiplicity, settings.level)
        low, high = bounds if bounds is not None else (None, None)
        reason = "too few users to say how far off it is" if bounds is None else None
        return Estimate(statistic.point, low, high, settings.level, settings.interval, reason)

    def _honest(self, estimate: Estimate, metric: Metric, diagnostics: Diagnostics) -> Estimate:
        """Give a share that was never, or always, seen an exact interval: resampling would only repeat it."""
        value, level, users = estimate.value, self._settings.level, diagnostics.user_ess
        if metric.share and value in (0.0, 1.0) and estimate.low == estimate.high and users > 0:
            low, high = exact_bounds(value == 1.0, users, level)
            return Estimate(value, low, high, level, "exact")
        if diagnostics.reward_ess == 0.0:
            unseen = "nothing of the kind was seen under this policy, so there is no interval"
            return Estimate(value, None, None, level, self._settings.interval, unseen)
        return estimate

    def _undefined(self, reason: str) -> Estimate:
        return Estimate(None, None, None, self._settings.level, self._settings.interval, reason)


class _Answers:
    """Every policy's answer for one chunk, asked once."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._given: dict[str, PolicyAnswer] = {}

    def of(self, policy: EvaluationPolicy) -> PolicyAnswer:
        if policy.spec not in self._given:
            self._given[policy.spec] = policy.answer(self._log)
        return self._given[policy.spec]


def _unsupported(log: Log, played: BoolArray) -> BoolArray | None:
    """Find eligible arms never played at all, or logged with probability 0 in that very row, shape (m,)."""
    never = log.probabilities == 0.0
    if not played.all():
        never |= ~played[log.eligible]
    # The row's own arm was played, whatever the rounding of its recorded probability.
    never[log.chosen_at] = False
    return never if never.any() else None
