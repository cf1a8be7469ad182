"""The work of a sweep, as plain functions that any process may run, and run again."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.errors import CallerError, InvalidInput, LearningError
from engine.service.clocks import SystemClock
from simulator.log import Log
from simulator.log_whole import in_time_order
from simulator.partial_sums import PartialSums
from simulator.policies import EvaluationPolicy, PolicyAnswer, PolicySetting, VwOptions, VwPolicy, parse_policy
from simulator.promotion import learned_candidate, offered
from simulator.sweep.candidate_policy import CandidatePolicy
from simulator.sweep.contender import Contender
from simulator.sweep.course import Course, Stage
from simulator.sweep.periods import Period

__all__ = ["Lesson", "Question", "Summed", "Taught", "plain_policy", "sum_part", "teach"]

#: What is wrong with a candidate, as against what is wrong with a disk or with us.
_NO_CANDIDATE = (CallerError, LearningError)


@dataclass(frozen=True, slots=True)
class Lesson:
    """Candidates that share a model, and where their snapshots go.

    Attributes:
        contenders: They differ in exploration alone.
        folders: Folder of each candidate's snapshots; what is in it goes.
        rung: Whose part of the train period teaches.
    """

    contenders: tuple[Contender, ...]
    folders: tuple[Path, ...]
    rung: int


@dataclass(frozen=True, slots=True)
class Taught:
    """What came of a lesson, for one candidate.

    Attributes:
        path: Folder of its snapshot; empty where there is none.
        notes: What a reader should know.
        failure: Why there is no snapshot.
    """

    path: str = ""
    notes: tuple[str, ...] = ()
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A candidate, and the part of the rows that it is asked about.

    Attributes:
        contender: The candidate.
        taught: Its snapshot, where it has one.
        parts: Numbers of files; all that have rows, for a candidate that learns on the way.
    """

    contender: Contender
    taught: Taught
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Summed:
    """What a candidate's answers add up to.

    Attributes:
        sums: Of each part asked about.
        notes: What a reader should know.
        failure: Why there is none.
    """

    sums: tuple[Sequence[PartialSums], ...] = ()
    notes: tuple[str, ...] = ()
    failure: str = ""


def teach(course: Course, lesson: Lesson) -> list[Taught]:
    """Learn the train period, and write a snapshot for every candidate that shares the model.

    Args:
        course: What the sweep has in common; it has a campaign.
        lesson: The candidates.
    """
    known = course.campaign
    first = lesson.contenders[0].campaign
    if known is None or first is None:
        raise AssertionError("only candidates of a campaign are taught")
    try:
        chunks = (known.seen(chunk) for chunk in _lessons(course, lesson.rung))
        learned = learned_candidate(first, chunks, course.periods.until())
    except _NO_CANDIDATE as error:
        return [Taught(failure=str(error)) for _ in lesson.contenders]
    notes = [f"learned {learned.learned:,} decisions", learned.left_out]
    taught = []
    for contender, folder in zip(lesson.contenders, lesson.folders, strict=True):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            made = offered(learned, folder, SystemClock(), contender.campaign)
        except _NO_CANDIDATE as error:
            taught.append(Taught(failure=str(error)))
            continue
        path = folder / first.id / made.version
        taught.append(Taught(str(path), tuple(note for note in notes if note)))
    return taught


def sum_part(stage: Stage, question: Question) -> Summed:
    """Ask a candidate about a part of the rows, and sum what follows from its answers."""
    try:
        policy, notes = _policy(stage, question)
        replay = stage.replay.asking([policy])
        return Summed(tuple(replay.partial_sums(_rows(stage, part)) for part in question.parts), notes)
    except _NO_CANDIDATE as error:
        return Summed(failure=str(error))


def _policy(stage: Stage, question: Question) -> tuple[EvaluationPolicy, tuple[str, ...]]:
    contender, course = question.contender, stage.course
    if contender.learns_itself:
        return _vw(stage, contender.spec.partition(":")[2])
    if contender.spec:
        return plain_policy(contender.spec), ()
    if course.campaign is None:
        raise AssertionError("a candidate of a campaign has one")
    apart = course.periods.by != "users"
    return CandidatePolicy(contender.name, question.taught.path, course.campaign, apart=apart), question.taught.notes


def plain_policy(spec: str) -> EvaluationPolicy:
    """Make a policy that learns nothing from the log.

    Raises:
        InvalidInput: When the SPEC is none of those.
    """

    def never() -> None:
        raise InvalidInput("expected a policy that needs no learning here", field=spec)

    return parse_policy(spec, PolicySetting(lambda log: np.zeros(log.rows), (), never))  # type: ignore[arg-type]


def _vw(stage: Stage, options: str) -> tuple[EvaluationPolicy, tuple[str, ...]]:
    """Teach a `vw:` policy the rung's train period; it learns where it is asked, since it is no snapshot."""
    course = stage.course
    policy: VwPolicy | None = None
    for chunk in _lessons(course, stage.rows.rung):
        policy = policy or VwPolicy(VwOptions.parse(options), course.task(chunk))
        policy.observe(chunk)
    if policy is None:
        raise InvalidInput("expected decisions to learn from, got none; take a longer log", field=f"vw:{options}")
    policy.freeze(course.periods.until())
    return _Learned(policy), policy.notes


class _Learned:
    """A policy that has learned, and shows nothing by which it could be told to begin anew."""

    def __init__(self, policy: EvaluationPolicy) -> None:
        self.spec = policy.spec
        self._policy = policy

    def answer(self, log: Log) -> PolicyAnswer:
        return self._policy.answer(log)


def _lessons(course: Course, rung: int) -> Iterator[Log]:
    yield from in_time_order(course.rows(Period.TRAIN, rung)).chunks()


def _rows(stage: Stage, part: int) -> Iterator[Log]:
    """Give a file's rows, at their place among all that are valued."""
    own = replace(stage.facts, log=stage.rows.part(part))
    for chunk in own.chunks():
        yield replace(chunk, first=chunk.first + stage.starts[part])
