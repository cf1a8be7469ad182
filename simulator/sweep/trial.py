"""Teaches and values candidates, and keeps what comes of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InvalidInput
from simulator.log import Log
from simulator.metric import UndefinedMetric
from simulator.policies import EvaluationPolicy, PolicyAnswer
from simulator.report.replay_report import Estimate
from simulator.sweep.contender import Contender
from simulator.sweep.course import Course, Stage
from simulator.sweep.engine import Engine
from simulator.sweep.measured import Measured, studentised
from simulator.sweep.periods import Period
from simulator.sweep.state import State
from simulator.sweep.tasks import Lesson, Question, Summed, Taught, plain_policy, sum_part, teach

__all__ = ["LOGGED", "Trial"]

LOGGED = Contender(name="logged", spec="logged")
"""Today's policy, which is valued beside all others."""


class Trial:
    """Values candidates on a period, as far as a rung uses it; what was found before is not done again.

    Args:
        course: What the sweep has in common.
        engine: Where tasks run.
        state: What has been found.
        progress: Told what was done, for whoever watches.
    """

    def __init__(self, course: Course, engine: Engine, state: State, progress: Callable[[str], None]) -> None:
        self._course, self._engine, self._state, self._progress = course, engine, state, progress
        #: Period and rung → decisions that valued candidates there.
        self.decisions: dict[tuple[Period, int], int] = {}

    def value(self, contenders: Sequence[Contender], period: Period, rung: int) -> dict[str, Measured]:
        """Value candidates, and today's policy.

        Args:
            contenders: The candidates.
            period: Whose rows.
            rung: As far as which rung uses it; models learn the same rung's part of train.

        Returns:
            Name → what was measured; today's policy under `logged`.
        """
        asked = [*contenders, LOGGED]
        found = {one.name: self._found(one, period, rung) for one in asked}
        missing = [one for one in asked if found[one.name] is None]
        if missing or self._size(period, rung) is None:
            stage = self._course.stage(period, rung)
            self._state.put({"decisions": stage.decisions}, "size", period.value, rung)
            taught = self.taught([one for one in missing if one.campaign is not None], rung)
            found.update(self._valued(stage, missing, taught, period, rung))
        self.decisions[period, rung] = self._size(period, rung) or 0
        return {name: one for name, one in found.items() if one is not None}

    def taught(self, contenders: Sequence[Contender], rung: int) -> dict[str, Taught]:
        """Have candidates learn; those whose snapshots are there already do not learn again.

        Args:
            contenders: Candidates of a campaign.
            rung: Whose part of train teaches.

        Returns:
            Name → what came of it.
        """
        results = {one.name: self._snapshot(one, rung) for one in contenders}
        groups: dict[str, list[Contender]] = {}
        for one in contenders:
            if results[one.name] is None:
                groups.setdefault(one.model_key, []).append(one)
        lessons = [
            Lesson(tuple(group), tuple(self._state.models(one.key, rung) for one in group), rung)
            for group in groups.values()
        ]
        for place, taught in self._engine.run(teach, self._course, lessons) if lessons else ():
            for one, result in zip(lessons[place].contenders, taught, strict=True):
                self._state.put(_plain(result), "taught", one.key, rung)
                results[one.name] = result
            self._progress(f"learned {', '.join(one.name for one in lessons[place].contenders)}")
        return {name: result for name, result in results.items() if result is not None}

    def forget(self, contenders: Sequence[Contender], rung: int) -> None:
        """Remove the snapshots of candidates that are not needed any more."""
        for one in contenders:
            shutil.rmtree(self._state.models(one.key, rung), ignore_errors=True)

    def _found(self, one: Contender, period: Period, rung: int) -> Measured | None:
        known = self._state.get("measured", one.key, period.value, rung)
        return None if known is None else Measured.from_json(known)

    def _size(self, period: Period, rung: int) -> int | None:
        known = self._state.get("size", period.value, rung)
        return None if known is None else int(known["decisions"])

    def _snapshot(self, one: Contender, rung: int) -> Taught | None:
        known = self._state.get("taught", one.key, rung)
        if known is None or (known["path"] and not (Path(known["path"]) / "manifest.json").is_file()):
            return None
        return Taught(str(known["path"]), tuple(known["notes"]), str(known["failure"]))

    def _valued(
        self, stage: Stage, contenders: Sequence[Contender], taught: Mapping[str, Taught], period: Period, rung: int
    ) -> dict[str, Measured]:
        measured: dict[str, Measured] = {}

        def keep(one: Contender, result: Measured) -> None:
            measured[one.name] = result
            self._state.put(result.to_json(), "measured", one.key, period.value, rung)
            self._progress(f"valued {one.name}")

        questions: list[Question] = []
        for one in contenders:
            lesson = taught.get(one.name, Taught())
            # Whoever learns on the way is asked about all parts at once, so that it learns once.
            parts = [tuple(stage.parts)] if one.learns_itself else [(part,) for part in stage.parts]
            if lesson.failure:
                keep(one, self._failure(lesson.failure))
            else:
                questions += [Question(one, lesson, own) for own in parts]
        summed: dict[str, dict[int, Summed]] = {}
        for place, result in self._engine.run(sum_part, stage.light(), questions) if questions else ():
            question, one = questions[place], questions[place].contender
            own = summed.setdefault(one.name, {})
            own[question.parts[0]] = result
            if len(own) == (1 if one.learns_itself else len(stage.parts)):
                keep(one, self._measured(stage, one, list(dict(sorted(summed.pop(one.name).items())).values())))
        return measured

    def _measured(self, stage: Stage, one: Contender, parts: Sequence[Summed]) -> Measured:
        """Put together what a candidate's answers on all parts add up to, in the order of the parts."""
        failure = next((part.failure for part in parts if part.failure), "")
        if failure:
            return self._failure(failure)
        metric, estimator = self._course.metric, self._course.estimator
        replay = stage.replay.asking([_standing_in(one)])
        (report,) = replay.reports_of([sums for part in parts for sums in part.sums])
        judged = report.metrics[metric.key]
        value, verdict = judged.estimates[estimator.key], judged.verdict
        if one is LOGGED:
            same = Estimate(0.0, 0.0, 0.0, value.level, value.interval)
            none = np.zeros(0)
            return Measured(0.0, 0.0, none, verdict.name.value, verdict.reasons, value, same, value)
        difference = report.versus["logged"][metric.key][estimator.key]
        try:
            statistic = replay.lift(one.name, metric, estimator)
        except UndefinedMetric as undefined:
            return self._failure("; ".join(dict.fromkeys((*verdict.reasons, str(undefined)))))
        deviation, replicates = studentised(statistic)
        baseline = None if value.value is None or difference.value is None else value.value - difference.value
        return Measured(
            lift=statistic.point,
            deviation=deviation,
            studentised=replicates,
            verdict=verdict.name.value,
            reasons=verdict.reasons,
            value=value,
            difference=difference,
            baseline=Estimate(baseline, None, None, value.level, value.interval),
            notes=tuple(dict.fromkeys((*parts[0].notes, *report.notes))),
        )

    def _failure(self, reason: str) -> Measured:
        settings = self._course.settings
        return Measured.failed(reason, settings.level, settings.interval)


@dataclass(frozen=True, slots=True)
class _StandIn:
    """Stands for a candidate whose answers were summed elsewhere."""

    spec: str

    def answer(self, log: Log) -> PolicyAnswer:
        raise InvalidInput(f"expected {self.spec!r} to be asked where its model is", field=log.source)


def _standing_in(one: Contender) -> EvaluationPolicy:
    """Only policies that choose which rows may judge them have to be here themselves."""
    return plain_policy(one.spec) if one.spec.startswith("snapshot:") else _StandIn(one.name)


def _plain(taught: Taught) -> dict[str, Any]:
    return {"path": taught.path, "notes": list(taught.notes), "failure": taught.failure}
