"""Everything that the tasks of a sweep have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from simulator.estimators import Estimator
from simulator.horizons import Horizons
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.metric import Metric
from simulator.policies import LearningTask
from simulator.replay import Replay
from simulator.replay_settings import ReplaySettings
from simulator.sweep.log_campaign import LogCampaign
from simulator.sweep.periods import Chosen, Period, Periods
from simulator.sweep.sweep_log import SweepLog

__all__ = ["Course", "Stage"]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The log, how it is parted, and what candidates are valued by; small when pickled.

    Attributes:
        log: The log.
        periods: How it is parted.
        horizons: How long outcomes count.
        kinds: Outcome types that the metric is made of.
        metric: What candidates are valued by.
        estimator: How.
        objective: Outcome type → worth, where the metric is the objective.
        settings: Of replays.
        campaign: What candidates learn under; None where there are SPECs alone.
    """

    log: SweepLog
    periods: Periods
    horizons: Horizons
    kinds: tuple[str, ...]
    metric: Metric
    estimator: Estimator
    objective: Mapping[str, float]
    settings: ReplaySettings
    campaign: LogCampaign | None

    def rows(self, period: Period, rung: int) -> Chosen:
        """Give the rows of a period, as far as a rung uses it."""
        # Whoever learns drops late outcomes by its own horizons.
        kinds = () if period is Period.TRAIN else self.kinds
        horizons = Horizons() if period is Period.TRAIN else self.horizons
        return Chosen(self.log, self.periods, period, rung, horizons, kinds)

    def task(self, sample: Log) -> LearningTask:
        """Say what `vw:` policies are to learn."""
        return LearningTask.of(
            self.metric,
            objective=self.objective,
            horizons=self.horizons if self.log.timed else Horizons(),
            reward_max=self.settings.reward_max,
            sample=sample,
        )

    def stage(self, period: Period, rung: int) -> Stage:
        """Look over a period's rows, and fit the reward model to them.

        Raises:
            InvalidInput: When there is nothing to value a policy on.
        """
        chosen = self.rows(period, rung)
        facts = LogFacts.of(chosen, cluster=self.settings.cluster, reward_max=self.settings.reward_max)
        beside = ("logged", "hold") if self.metric.needs_hold else ("logged",)
        replay = Replay(facts, [], [self.metric], [self.estimator], self.settings, self.metric, beside)
        replay.prepare()
        starts = [0]
        for number in range(len(self.log.paths)):
            part = replace(facts, log=chosen.part(number))
            starts.append(starts[-1] + sum(chunk.rows for chunk in part.chunks()))
        return Stage(self, chosen, facts, replay, tuple(starts))


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One period, as far as a rung uses it, ready to value policies on.

    Attributes:
        course: What the sweep has in common.
        rows: The rows.
        facts: What is known of them.
        replay: Without policies, its reward model fitted.
        starts: How many valued rows stand before each file's, and all of them last.
    """

    course: Course
    rows: Chosen
    facts: LogFacts
    replay: Replay
    starts: tuple[int, ...]

    @property
    def parts(self) -> list[int]:
        """Files that have rows here."""
        return [number for number, rows in enumerate(np.diff(self.starts).tolist()) if rows]

    @property
    def decisions(self) -> int:
        """Decisions that value a policy here."""
        return int(self.facts.count.sum())

    def light(self) -> Stage:
        """The same for other processes, which only sum."""
        return replace(self, replay=self.replay.without_resamples())
