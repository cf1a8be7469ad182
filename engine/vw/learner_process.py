"""A learner whose native half is a process of its own, so that reading and joining go on while it learns."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from engine.core.errors import ArmsreachError, LearningError
from engine.core.feature import Feature
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.schema import Schema
from engine.vw.example import ExampleWriter
from engine.vw.learner import VwLearner

_BATCH = 64

_Written = tuple[str, str, bytes, int, int]
"""Shared line, chosen arm's line with its label, numbers of the arms as uint32, index of the chosen one, weight."""


class LearnerProcess:
    """Does what `VwLearner` does, in the same order, to the same bytes.

    Events are checked and written here, learned there; they travel in batches, and a full pipe makes the writer wait.
    An arm's features travel once. The process ends when this object is closed, or with the process that holds it.
    """

    def __init__(self, options: LearningOptions, schema: Schema, data: bytes | None = None) -> None:
        """Start the process, from nothing or from saved bytes.

        Raises:
            CorruptState: If the bytes are missing, cut short or no model.
            LearningError: If they were learned with other options.
        """
        context = multiprocessing.get_context("spawn")
        self._writer = ExampleWriter(schema)
        self._arms: dict[int, tuple[int, tuple[Feature, ...]]] = {}
        self._new: list[tuple[Feature, ...]] = []
        self._batch: list[_Written] = []
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_run, args=(theirs, options, schema, data), daemon=True)
        self._process.start()
        theirs.close()
        self._learned: int = self._answer()

    @property
    def learned(self) -> int:
        """Decisions handed over since the model began, those before a restart included."""
        return self._learned

    def learn(self, events: Iterable[LearningEvent]) -> None:
        """Learn events in their order, soon.

        Raises:
            InvalidInput: If an event cannot be learned; those before it are.
            LearningError: If the process is gone.
        """
        for event in events:
            shared, labelled = self._writer.chosen_only(event)
            numbers = np.array([self._number(arm) for arm in event.arms], dtype=np.uint32).tobytes()
            self._batch.append((shared, labelled, numbers, event.chosen, event.weight))
            self._learned += event.weight
            if len(self._batch) >= _BATCH:
                self._flush()

    def to_bytes(self) -> bytes:
        """The model, once everything handed over is learned.

        Raises:
            LearningError: If Vowpal Wabbit refused an example, or the process is gone.
        """
        self._flush()
        self._send(None)
        data: bytes = self._answer()
        return data

    def close(self) -> None:
        """End the process; what is not saved is lost."""
        self._pipe.close()
        self._process.join()

    def _number(self, arm: tuple[Feature, ...]) -> int:
        known = self._arms.get(id(arm))
        if known is None:
            self._writer.arm(arm)  # checks it
            known = self._arms[id(arm)] = (len(self._arms), arm)  # holding it keeps its id from another one
            self._new.append(arm)
        return known[0]

    def _flush(self) -> None:
        if self._batch:
            self._send((self._new, self._batch))
            self._new, self._batch = [], []

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise self._gone() from None

    def _answer(self) -> Any:
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        if isinstance(answer, ArmsreachError):
            raise answer
        return answer

    def _gone(self) -> LearningError:
        return LearningError("the learner's native process has ended; start again from the last save point")


def _run(pipe: Connection, options: LearningOptions, schema: Schema, data: bytes | None) -> None:
    """Learn what comes until the other end is closed; trouble is told when the model is asked for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the other end decides
    with suppress(BrokenPipeError):  # the other end was killed
        _work(pipe, options, schema, data)


def _work(pipe: Connection, options: LearningOptions, schema: Schema, data: bytes | None) -> None:
    try:
        learner = VwLearner(options, schema) if data is None else VwLearner.from_bytes(options, schema, data)
    except ArmsreachError as error:
        pipe.send(error)
        return
    pipe.send(learner.learned)
    arms: list[tuple[Feature, ...]] = []
    trouble: ArmsreachError | None = None
    while True:
        try:
            message = pipe.recv()
        except (EOFError, OSError):
            return
        if message is None:
            pipe.send(trouble or learner.to_bytes())
        elif trouble is None:
            arms += message[0]
            try:
                for shared, labelled, numbers, chosen, weight in message[1]:
                    eligible = [arms[i] for i in np.frombuffer(numbers, np.uint32).tolist()]
                    learner.learn_written(shared, labelled, eligible, chosen, weight)
            except ArmsreachError as error:
                trouble = error
