"""A learner whose native half is a process of its own, so that reading and joining go on while it learns."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection

from engine.core.errors import ArmsreachError, LearningError
from engine.core.feature import Feature
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.schema import Schema
from engine.vw.example import ExampleWriter
from engine.vw.learner import VwLearner

_BATCH = 64
_SAVE = "save"

_NUMBERS = "I"
_Written = tuple[str, str, bytes, int, int]
"""Shared line, chosen arm's line with its label, numbers of the arms as `_NUMBERS`, index of the chosen one, weight."""


class LearnerProcess:
    """Does what `VwLearner` does, in the same order, to the same bytes.

    Events are checked and written here, learned there; they travel in batches, and a full pipe makes the writer wait.
    An arm's features travel once. Models come back on a thread, so that neither side waits for the other at a save
    point. The process ends when this object is closed, or with the process that holds it.
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
        self._learned: int = self._first_answer()
        self._asked: deque[Future[bytes]] = deque()
        # It holds no more of this object than it needs, so that one which is dropped ends its process, too.
        self._listening = threading.Thread(target=_listen, args=(self._pipe, self._asked), daemon=True)
        self._listening.start()

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
            numbers = array(_NUMBERS, self._numbers(event.arms)).tobytes()
            self._batch.append((shared, labelled, numbers, event.chosen, event.weight))
            self._learned += event.weight
            if len(self._batch) >= _BATCH:
                self._flush()

    def to_bytes(self) -> bytes:
        """The model, once everything handed over is learned.

        Raises:
            LearningError: If Vowpal Wabbit refused an example, or the process is gone.
        """
        return self.saved()()

    def saved(self) -> Callable[[], bytes]:
        """The model as of what was handed over so far, made while more is handed over.

        Returns:
            What waits for the bytes; it raises LearningError if Vowpal Wabbit refused an example, or the process is
            gone.

        Raises:
            LearningError: If the process is gone.
        """
        self._flush()
        model: Future[bytes] = Future()
        self._asked.append(model)
        self._send(_SAVE)
        if not self._listening.is_alive():
            raise _gone()
        return model.result

    def close(self) -> None:
        """End the process; what is not saved is lost."""
        if not self._pipe.closed:
            _hang_up(self._pipe)
        self._listening.join()
        self._pipe.close()
        self._process.join()

    def __del__(self) -> None:
        """End the process of an object that nobody closed."""
        pipe = getattr(self, "_pipe", None)
        if pipe is not None and not pipe.closed:
            _hang_up(pipe)

    def _numbers(self, arms: Sequence[tuple[Feature, ...]]) -> list[int]:
        known = self._arms
        try:
            return [known[id(arm)][0] for arm in arms]
        except KeyError:
            for arm in arms:
                if id(arm) not in known:
                    self._writer.arm(arm)  # checks it
                    known[id(arm)] = (len(known), arm)  # holding it keeps its id from another one
                    self._new.append(arm)
            return [known[id(arm)][0] for arm in arms]

    def _flush(self) -> None:
        if self._batch:
            self._send((self._new, self._batch))
            self._new, self._batch = [], []

    def _send(self, message: object) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise _gone() from None

    def _first_answer(self) -> int:
        try:
            answer: int | ArmsreachError = self._pipe.recv()
        except (EOFError, OSError):
            raise _gone() from None
        if isinstance(answer, ArmsreachError):
            raise answer
        return answer


def _gone() -> LearningError:
    return LearningError("the learner's native process has ended; start again from the last save point")


def _hang_up(pipe: Connection, how: int = socket.SHUT_WR) -> None:
    """Let the other end read to the end and then no more, whatever was half sent."""
    with suppress(OSError), socket.socket(fileno=os.dup(pipe.fileno())) as ours:
        ours.shutdown(how)


def _listen(pipe: Connection, asked: deque[Future[bytes]]) -> None:
    """Take models in until the process ends."""
    error: BaseException = _gone()
    try:
        while True:
            answer: bytes | ArmsreachError = pipe.recv()
            if isinstance(answer, ArmsreachError):
                asked.popleft().set_exception(answer)
            else:
                asked.popleft().set_result(answer)
    except (EOFError, OSError):
        pass
    except BaseException as found:  # as of memory: who waits must hear of it, and nobody listens any more
        error = found
        _hang_up(pipe, socket.SHUT_RDWR)
    while asked:
        asked.popleft().set_exception(error)


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
        if message == _SAVE:
            pipe.send(trouble or learner.to_bytes())
        elif trouble is None:
            arms += message[0]
            try:
                for shared, labelled, numbers, chosen, weight in message[1]:
                    eligible = list(map(arms.__getitem__, array(_NUMBERS, numbers)))
                    learner.learn_written(shared, labelled, eligible, chosen, weight)
            except ArmsreachError as error:
                trouble = error
