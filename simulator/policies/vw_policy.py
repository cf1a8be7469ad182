"""A Vowpal Wabbit policy that learns from the log it is judged on, never from what it could not have known."""

from __future__ import annotations

import numpy as np

from engine.core.errors import InvalidInput, LearningError
from engine.vw import ArmStream
from simulator.arrays import BoolArray, FloatArray
from simulator.log import Log
from simulator.log_clock import LogClock
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.learning_task import LearningTask
from simulator.policies.maturing_queue import MaturingQueue
from simulator.policies.vw_lessons import Lessons
from simulator.policies.vw_options import VwOptions
from simulator.policies.vw_rows import VwRows

__all__ = ["VwPolicy"]

_MOST_KEPT_TEXTS = 65_536
_LAST = int(np.iinfo(np.int64).max)


class VwPolicy:
    """Learns the objective with Vowpal Wabbit's options, progressively or on one side of a split.

    Progressively, each row is predicted by the model of its moment: it has learned exactly those earlier rows whose
    horizon had passed by the row's `decided_at`, in the order in which they matured (ties in the order of the log).
    Such a value is that of the learning sequence, not of the model at its end; that one is judged on a split.

    What a row teaches, and whether it does, is said by `Lessons`. All its eligible arms are shown, never the chosen
    one alone. Under `--cb_adf` without exploration it plays the cheapest arm, equally cheap ones alike. It holds the
    rows that wait for their horizon, and nothing else of the log.

    Source: Langford and Zhang (2007), "The Epoch-Greedy Algorithm", for learning from logged propensities; Blum, Kalai
    and Langford (1999), "Beating the Hold-Out", for progressive validation.
    """

    _frozen: bool
    _learned: int
    _waiting: int
    _left_out: int
    _kept_texts: int

    def __init__(self, options: VwOptions, task: LearningTask) -> None:
        """Open a model that has learned nothing.

        Raises:
            InvalidInput: When Vowpal Wabbit refuses the options.
        """
        self._options, self._task = options, task
        self._stream = self._opened()
        self._fresh()

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"vw:{self._options.text}"

    @property
    def learned(self) -> int:
        """Decisions learned so far."""
        return self._learned

    def begin(self) -> None:
        """See `LearningPolicy`."""
        self._stream.close()
        self._stream = self._opened()
        self._fresh()

    def observe(self, log: Log, rows: BoolArray | None = None) -> None:
        """See `LearningPolicy`.

        Raises:
            InvalidInput: When the rows are not in the order of their time, or cannot be learned.
        """
        if self._frozen:
            raise InvalidInput(
                "expected a policy that may still learn, got a frozen one; `begin` anew", field=self.spec
            )
        moments = self._clock.pass_through(log, self.spec)
        lessons = self._lessons(log, rows)
        for row, now in enumerate(moments):
            self._learn_due(now)
            self._wait(lessons, row, "")

    def freeze(self, at: int | None = None) -> None:
        """See `LearningPolicy`.

        Raises:
            InvalidInput: When nothing was learned.
        """
        self._learn_due(_LAST if at is None else at)
        self._left_out += self._waiting
        self._waiting = 0
        self._queue.clear()
        self._frozen = True
        if not self._learned:
            raise InvalidInput(
                "expected decisions whose outcomes were complete before the split, got none to learn from; move the "
                "split or shorten --delay",
                field=self.spec,
            )

    def answer(self, log: Log) -> PolicyAnswer:
        """Predict each row and, unless frozen, learn what has matured before the next.

        Args:
            log: The log, or the next chunk of it.

        Raises:
            InvalidInput: When the rows are not in the order of their time, cannot be learned, or Vowpal Wabbit's
                answer is no distribution.
        """
        answers = self._predicted(log) if self._frozen else self._progressed(log)
        probabilities = self._distributions(log, answers) if self._options.explores else _greedy(log, answers)
        return PolicyAnswer.everywhere(log, probabilities)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader should know, after the chunks so far."""
        task = self._task
        how = "learned before it is judged" if self._frozen else "predicts each decision before it learns it"
        told = f"{how}: {task.name}, from {self._learned} decisions"
        told += f", {self._waiting} had not matured" if self._waiting else ""
        told += (
            f", {self._left_out} teach nothing (one eligible arm, not drawn, not complete)" if self._left_out else ""
        )
        notes = [told, f"rewards from {task.scale.low:g} to {task.scale.high:g} are learned as costs from 1 to 0"]
        if not task.horizons.longest(task.kinds):
            notes.append("no delay was stated: each decision is learned at once, with all its outcomes")
        if not self._options.explores:
            notes.append("--cb_adf alone gives no probabilities: it plays the cheapest arm, equally cheap ones alike")
        return tuple(notes)

    def to_bytes(self) -> bytes:
        """The model as a Vowpal Wabbit file."""
        return self._stream.to_bytes()

    def _opened(self) -> ArmStream:
        try:
            return ArmStream(self._options.with_cost_range(*self._task.scale.label_range))
        except (LearningError, InvalidInput) as error:
            raise InvalidInput(f"{error}; change the options", field=self.spec) from error

    def _fresh(self) -> None:
        self._rows = VwRows()
        self._queue: MaturingQueue[tuple[Lessons, int, str]] = MaturingQueue()
        self._clock = LogClock()
        self._frozen = False
        self._learned = self._waiting = self._left_out = self._kept_texts = 0

    def _lessons(self, log: Log, rows: BoolArray | None) -> Lessons:
        lessons = Lessons.of(log, self._rows.read(log), self._task, rows)
        self._left_out += lessons.left_out
        return lessons

    def _progressed(self, log: Log) -> FloatArray:
        moments = self._clock.pass_through(log, self.spec)
        lessons = self._lessons(log, None)
        take = self._take if self._task.horizons.longest(self._task.kinds) else self._take_at_once
        answers: list[float] = []
        for row, (now, arms) in enumerate(zip(moments, log.lengths.tolist(), strict=True)):
            answers += take(lessons, row, now) if arms > 1 else [1.0]
        return np.array(answers)

    def _take(self, lessons: Lessons, row: int, now: int) -> list[float]:
        """Learn what has matured by now, predict a row and let it wait."""
        self._learn_due(now)
        shared = lessons.texts.shared(row)
        answer = self._stream.predict(shared, lessons.texts.arms(row))
        self._wait(lessons, row, shared)
        return answer

    def _take_at_once(self, lessons: Lessons, row: int, now: int) -> list[float]:  # noqa: ARG002
        """Predict a row and learn it before the next, in one native call."""
        shared, arms = lessons.texts.shared(row), lessons.texts.arms(row)
        if not lessons.teaches[row]:
            return self._stream.predict(shared, arms)
        answer = self._stream.predict_then_learn(shared, arms, lessons.labels[row])
        for _ in range(1, lessons.count[row]):
            self._stream.learn(shared, arms, lessons.labels[row])
        self._learned += lessons.count[row]
        return answer

    def _predicted(self, log: Log) -> FloatArray:
        texts, predict = self._rows.read(log), self._stream.predict
        answers: list[float] = []
        for row, arms in enumerate(log.lengths.tolist()):
            answers += [1.0] if arms == 1 else predict(texts.shared(row), texts.arms(row))
        return np.array(answers)

    def _wait(self, lessons: Lessons, row: int, shared: str) -> None:
        """Let a row wait for its horizon, with its text unless so many wait that writing it again is cheaper."""
        if not lessons.teaches[row]:
            return
        if shared and self._kept_texts < _MOST_KEPT_TEXTS:
            self._kept_texts += 1
        else:
            shared = ""
        self._waiting += lessons.count[row]
        self._queue.push(lessons.mature_at[row], (lessons, row, shared))

    def _learn_due(self, now: int) -> None:
        for lessons, row, kept in self._queue.due(now):
            self._kept_texts -= bool(kept)
            shared, arms = kept or lessons.texts.shared(row), lessons.texts.arms(row)
            for _ in range(lessons.count[row]):
                self._stream.learn(shared, arms, lessons.labels[row])
            self._learned += lessons.count[row]
            self._waiting -= lessons.count[row]

    def _distributions(self, log: Log, answers: FloatArray) -> FloatArray:
        """Bring float32 distributions to sum to 1 as float64, shape (m,)."""
        sums = log.row_sums(answers)
        lowest = np.minimum.reduceat(answers, log.offsets[:-1]) if log.rows else sums
        wrong = np.flatnonzero(~((sums > 0) & np.isfinite(sums) & (lowest >= 0)))
        if wrong.size:
            row = int(wrong[0])
            given = [f"{answer:.3g}" for answer in answers[log.offsets[row] : log.offsets[row + 1]][:8]]
            raise InvalidInput(
                f"expected a distribution for decision {log.decision_ids[row]!r}, got {', '.join(given)} from Vowpal "
                "Wabbit; change the exploration options",
                field=self.spec,
            )
        return answers / np.repeat(sums, log.lengths)


def _greedy(log: Log, costs: FloatArray) -> FloatArray:
    """Share each row's probability among its cheapest arms, shape (m,)."""
    if not log.rows:
        return costs
    cheapest = (costs == np.repeat(np.minimum.reduceat(costs, log.offsets[:-1]), log.lengths)).astype(np.float64)
    return cheapest / np.repeat(log.row_sums(cheapest), log.lengths)
