"""Values policies on a log's decisions, in two passes over its chunks."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray
from simulator.asked import Asked
from simulator.bench import Bench, Part
from simulator.crossfit import CrossFit
from simulator.estimators import Estimator, Need
from simulator.folds import Folds
from simulator.gallery import LogGallery, Periods, PolicyGallery
from simulator.intervals import INTERVALS
from simulator.log import HOLD, Log
from simulator.log_facts import LogFacts
from simulator.metric import HOLD_PREFIX, Metric
from simulator.partial_sums import PartialSums
from simulator.policies import (
    Constant,
    EvaluationPolicy,
    LearningTask,
    Logged,
    PolicyAnswer,
    PolicySetting,
    Prepared,
    Progressive,
    Restricted,
    Uniform,
    parse_policy,
)
from simulator.policy_fit import PolicyFit
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.report.pictures import LogPictures, PolicyPictures
from simulator.report.replay_report import PolicyReport
from simulator.reporter import Reporter, doubted_reward
from simulator.resampling import Resampling
from simulator.sample import Sample, combined
from simulator.split import Split
from simulator.statistic import Statistic
from simulator.terms import Fits

__all__ = ["Replay"]

_NO_FITS = Fits(None, None, None, {})
#: Rows that judge, the sums over them, and the policies judged there with those they are held against.
_Bench = tuple[BoolArray, Bench, Mapping[str, Sample]]


class Replay:
    """One log, one set of policies, metrics and estimators.

    Args:
        facts: What is known of the log; at least one decision values a policy.
        specs: The policies, by SPEC or as they are.
        metrics: What is estimated; the first gives a policy its verdict.
        estimators: By key.
        settings: Checked settings.
        rank_by: Metric that best_constant maximises.
        beside: What every policy is held against: some of logged, uniform, and hold (where it was played).
    """

    def __init__(
        self,
        facts: LogFacts,
        specs: Sequence[str | EvaluationPolicy],
        metrics: Sequence[Metric],
        estimators: Sequence[Estimator],
        settings: ReplaySettings,
        rank_by: Metric,
        beside: Collection[str] = ("logged", "uniform", "hold"),
    ) -> None:
        self._facts, self._metrics, self._estimators, self._settings = facts, metrics, estimators, settings
        self._split = Split.of(facts, settings.split, delay_us=settings.delay_us, seed=settings.seed)
        self._capped = set(facts.capped) | set(settings.thresholds.capped_channels)
        self._interval = INTERVALS[settings.interval]
        self._own = {name: factor for name, factor in rank_by.numerator.items() if not name.startswith(HOLD_PREFIX)}
        setting = PolicySetting(
            self._ranked_reward, self._split.folds, self._task, self._split.learns, self._split.moment
        )
        made = [parse_policy(spec, setting) if isinstance(spec, str) else spec for spec in specs]
        self._asked = {
            spec if isinstance(spec, str) else spec.spec: Asked(policy)
            for spec, policy in zip(specs, made, strict=True)
        }
        known: dict[str, EvaluationPolicy] = {"logged": Logged(), "uniform": Uniform()}
        if facts.hold_played:
            known["hold"] = Constant(HOLD)
        self._baselines = {name: policy for name, policy in known.items() if name in beside}
        self._resampling = Resampling.of(
            facts.clusters,
            settings.resamples if self._interval.resampled else 0,
            settings.seed,
            by_user=self._interval.by_user,
        )
        self._reporter = Reporter(facts, metrics, estimators, self._interval, self._baselines, settings)
        self._needs = frozenset(need for estimator in estimators for need in estimator.needs)
        self._folds = self._dealt()
        self._crossfit = CrossFit(facts, self._folds, settings) if Need.MODEL in self._needs else None
        self._fitted = self._crossfit is None
        self._fits: dict[str, PolicyFit] = {}
        self._periods = Periods(facts)
        self._galleries: dict[str, PolicyGallery] = {}
        self._log_gallery = self._calibration()

    def reports(self) -> tuple[PolicyReport, ...]:
        """Value every policy.

        Raises:
            InvalidInput: When a policy cannot be asked about this log.
        """
        self.prepare()
        self._fit_policies()
        benches = self._benches()
        self._sum(benches, self._facts.chunks())
        return self._closed(benches)

    def asking(self, policies: Sequence[EvaluationPolicy]) -> Replay:
        """Make the same replay for other policies; what was fitted to the log stays, so that it is not read again.

        Args:
            policies: None that learns from the log as it goes.
        """
        made = copy.copy(self)
        made._asked = {policy.spec: Asked(policy) for policy in policies}
        made._fits = {}
        made.prepare()
        return made

    def without_resamples(self) -> Replay:
        """Make the same replay with nothing but what summing needs, for other processes."""
        made = copy.copy(self)
        made._resampling = replace(self._resampling, weights=self._resampling.weights[:0])
        return made

    def partial_sums(self, chunks: Iterable[Log]) -> list[PartialSums]:
        """Sum a part of the rows, to be put together by `reports_of`.

        Args:
            chunks: Some of the chunks of the facts, of the same `place`.

        Raises:
            InvalidInput: When a policy cannot be asked about this log, or an estimator needs more than sums.
        """
        if self._needs - {Need.MODEL}:
            raise InvalidInput(
                "expected estimators that need nothing but a reward model, such as dr, snips or ips; change them",
                field="--estimator",
            )
        benches = self._benches()
        self._sum(benches, chunks)
        return [PartialSums.of(bench, samples) for _, bench, samples in benches]

    def reports_of(self, parts: Sequence[Sequence[PartialSums]]) -> tuple[PolicyReport, ...]:
        """Value every policy by sums that were made elsewhere.

        Args:
            parts: For each part of the rows, at least one, what `partial_sums` gave for it.
        """
        benches = self._benches()
        for place, (_, bench, samples) in enumerate(benches):
            PartialSums.merged([part[place] for part in parts]).fill(bench, samples)
        return self._closed(benches)

    def lift(self, spec: str, metric: Metric, estimator: Estimator, baseline: str = "logged") -> Statistic:
        """Give the paired difference of a policy to a baseline, once both were valued.

        Raises:
            UndefinedMetric: When it has no value here.
        """
        asked = self._asked[spec]
        own = self._reporter.valued(metric, asked, asked.samples[spec], estimator)
        other = self._reporter.valued(metric, asked, asked.samples[self._baselines[baseline].spec], estimator)
        return own.minus(other).statistic

    def _closed(self, benches: Sequence[_Bench]) -> tuple[PolicyReport, ...]:
        """Report on every policy, once all rows are summed."""
        for _, bench, _ in benches:
            bench.close()
        for asked in self._asked.values():
            if isinstance(asked.policy, Progressive):
                asked.notes = (*asked.notes, *asked.policy.notes)
        drawn = {spec: self._pictures(spec, asked) for spec, asked in self._asked.items()}
        return tuple(self._reporter.report(spec, asked, drawn[spec]) for spec, asked in self._asked.items())

    def _task(self) -> LearningTask:
        """Say what policies that learn are to learn: the objective, or the first metric."""
        by_key = {metric.key: metric for metric in self._metrics}
        stated = self._settings.horizons
        return LearningTask.of(
            by_key.get("objective", self._metrics[0]),
            objective=self._settings.objective,
            horizons=stated if self._settings.delay_us else self._facts.lags,
            reward_max=self._settings.reward_max,
            sample=next(iter(self._facts.chunks())),
        )

    def _dealt(self) -> Folds:
        progressive = any(isinstance(asked.policy, Progressive) for asked in self._asked.values())
        if self._settings.fit == "past" or (progressive and self._split.learns == "progressive"):
            # A reward model waits as long for outcomes as a policy does that learns them.
            return Folds.in_time(self._facts, self._facts.wait_us(self._settings.delay_us))
        return Folds.by_user(self._facts, self._settings.seed)

    def _quantities(self, log: Log) -> Quantities:
        return Quantities(log, self._settings.objective, self._settings.reward_max)

    def _ranked_reward(self, log: Log) -> FloatArray:
        return combined(self._own, self._quantities(log))

    def prepare(self) -> None:
        """Let policies and reward model see the whole log, and settle which rows judge which policy."""
        looks = [asked for asked in self._asked.values() if isinstance(asked.policy, Prepared | Restricted)]
        if self._fitted and not looks:
            for asked in self._asked.values():
                self._settle(asked, self._split.judged)
            return
        judged: dict[str, list[BoolArray]] = {spec: [] for spec in self._asked}
        for log in self._facts.chunks():
            for spec, asked in self._asked.items():
                if isinstance(asked.policy, Prepared):
                    asked.policy.observe(log)
                judged[spec].append(self._judges(asked, log))
            if self._crossfit is not None and not self._fitted:
                self._crossfit.add(log, self._quantities(log), self._names)
        for spec, asked in self._asked.items():
            self._settle(asked, np.concatenate(judged[spec]))
        if self._crossfit is not None and not self._fitted:
            self._crossfit.fit()
        self._fitted = True

    @property
    def _names(self) -> list[str]:
        return sorted({name.removeprefix(HOLD_PREFIX) for metric in self._metrics for name in metric.quantities})

    def _judges(self, asked: Asked, log: Log) -> BoolArray:
        rows = self._split.judged[log.place]
        if isinstance(asked.policy, Restricted):
            may = asked.policy.judges(log)
            asked.judged += int(log.count[may].sum())
            asked.left_out += int(log.count[~may].sum())
            rows = rows & may
        return rows

    def _settle(self, asked: Asked, rows: BoolArray) -> None:
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

    def _fit_policies(self) -> None:
        """Fit what estimators need for each policy alone: MRDR's model, balanced weights, marginal weights."""
        if not self._needs & {Need.MRDR_MODEL, Need.BALANCED, Need.MARGINAL}:
            return
        policies = self._policies()
        self._fits = {
            spec: PolicyFit(self._facts, self._folds, self._settings, self._needs, self._names) for spec in policies
        }
        if not self._needs & PolicyFit.PASS:
            return
        self._begin(policies.values())
        for log in self._facts.chunks():
            quantities = self._quantities(log)
            for spec, policy in policies.items():
                self._fits[spec].add(log, quantities, policy.answer(log))
        for fit in self._fits.values():
            fit.fit()

    def _policies(self) -> dict[str, EvaluationPolicy]:
        """All policies by name: those asked for, and those they are held against."""
        beside = {policy.spec: policy for policy in self._baselines.values()}
        return {**beside, **{spec: asked.policy for spec, asked in self._asked.items()}}

    @staticmethod
    def _begin(policies: Iterable[EvaluationPolicy]) -> None:
        """Tell policies that change as they answer that the log begins anew."""
        for policy in policies:
            if isinstance(policy, Progressive):
                policy.begin()

    def _sum(self, benches: Sequence[_Bench], chunks: Iterable[Log]) -> None:
        """Ask every policy about every chunk once, and add up what follows from its answers."""
        policies = self._policies()
        self._begin(policies.values())
        for log, answers in self._answered(policies, chunks):
            whole = self._part(log)
            fits = {spec: self._fits[spec].fits(log, answers[spec]) if self._fits else _NO_FITS for spec in policies}
            for mask, bench, samples in benches:
                rows = mask[log.place]
                if not rows.any():
                    continue
                part = whole.select(rows)
                bench.add(part)
                for spec, sample in samples.items():
                    answer = answers[spec].select(log, rows)
                    sample.add(part, answer, fits[spec].select(whole, rows), by_arm=bool(self._capped))
                    self._draw(spec, sample, part, answer)
            if self._log_gallery is not None:
                self._log_gallery.add(whole)

    @staticmethod
    def _answered(
        policies: Mapping[str, EvaluationPolicy], chunks: Iterable[Log]
    ) -> Iterator[tuple[Log, Mapping[str, PolicyAnswer]]]:
        """Ask every policy about every chunk, in order; a thread is a chunk ahead, so that two cores are at work."""

        def ask(log: Log) -> Mapping[str, PolicyAnswer]:
            return {spec: policy.answer(log) for spec, policy in policies.items()}

        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="policies") as thread:
            before: tuple[Log, Future[Mapping[str, PolicyAnswer]]] | None = None
            for log in chunks:
                asked = thread.submit(ask, log)
                if before is not None:
                    yield before[0], before[1].result()
                before = log, asked
            if before is not None:
                yield before[0], before[1].result()

    def _draw(self, spec: str, sample: Sample, part: Part, answer: PolicyAnswer) -> None:
        asked = self._asked.get(spec)
        if not self._settings.pictures or asked is None or asked.samples[spec] is not sample:
            return
        if spec not in self._galleries:
            buckets = self._resampling.multiplicity.size
            self._galleries[spec] = PolicyGallery(self._facts, self._periods, self._metrics[0], buckets)
        self._galleries[spec].add(part, answer)

    def _pictures(self, spec: str, asked: Asked) -> PolicyPictures | None:
        gallery, totals = self._galleries.get(spec), asked.samples[spec].bench.totals
        return None if gallery is None else gallery.pictures(totals.multiplicity, self._settings.level)

    def _calibration(self) -> LogGallery | None:
        first = next(iter(self._metrics[0].numerator))
        wanted = self._settings.pictures and self._crossfit is not None and not first.startswith(HOLD_PREFIX)
        return LogGallery(first) if wanted else None

    def pictures(self) -> LogPictures | None:
        """What a report draws of the log itself, once policies were valued."""
        return None if self._log_gallery is None else self._log_gallery.pictures()

    def _benches(self) -> list[_Bench]:
        """Make a bench for every set of rows, with the policies judged there and those they are held against."""
        held_against = [policy.spec for policy in self._baselines.values()]
        made: list[_Bench] = []
        for key in dict.fromkeys(asked.rows for asked in self._asked.values()):
            bench = Bench(self._facts.clusters, self._resampling)
            here = [spec for spec, asked in self._asked.items() if asked.rows == key]
            arms, seed = self._facts.log.arms, self._settings.seed
            doubted = doubted_reward(self._facts, self._metrics)
            samples = {
                spec: Sample(bench, spec, self._metrics, self._estimators, arms, seed, doubted)
                for spec in dict.fromkeys((*held_against, *here))
            }
            for spec in here:
                self._asked[spec].samples = samples
            mask = np.unpackbits(np.frombuffer(key, dtype=np.uint8), count=self._facts.rows).astype(bool)
            made.append((mask, bench, samples))
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


def _unsupported(log: Log, played: BoolArray) -> BoolArray | None:
    """Find eligible arms never played at all, or logged with probability 0 in that very row, shape (m,)."""
    never = log.probabilities == 0.0
    if not played.all():
        never |= ~played[log.eligible]
    # The row's own arm was played, whatever the rounding of its recorded probability.
    never[log.chosen_at] = False
    return never if never.any() else None
