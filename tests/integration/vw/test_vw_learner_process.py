"""A learner in a process of its own learns the same bytes, and its end is noticed."""

from __future__ import annotations

import dataclasses
import gc
import os
import signal
import threading
from collections import deque
from concurrent.futures import Future
from itertools import cycle
from multiprocessing import Pipe
from pickle import UnpicklingError

import numpy as np
import pytest

from engine.core.errors import CorruptState, InvalidInput, LearningError
from engine.core.learning import LearningOptions
from engine.vw import LearnerProcess, VwLearner
from engine.vw.learner_process import _listen

OPTIONS = LearningOptions(bits=14, interactions=("UV", "XC"), save_every=70)


@pytest.fixture
def opened(schema):
    learners: list[LearnerProcess] = []

    def open_one(data: bytes | None = None) -> LearnerProcess:
        learners.append(LearnerProcess(OPTIONS, schema, data))
        return learners[-1]

    yield open_one
    for learner in learners:
        learner.close()


def test_the_same_bytes_as_in_one_process_and_after_a_restart(schema, draw_events, opened):
    events = [dataclasses.replace(event, weight=1 + i % 2) for i, event in enumerate(draw_events(3, 300))]
    beside, apart = VwLearner(OPTIONS, schema), opened()
    for begin, end in ((0, 130), (130, 131), (131, 250)):
        beside.learn(events[begin:end])
        apart.learn(events[begin:end])
        assert apart.learned == beside.learned
        assert apart.to_bytes() == beside.to_bytes()
    again = opened(apart.to_bytes())
    assert again.learned == apart.learned
    resumed = VwLearner.from_bytes(OPTIONS, schema, beside.to_bytes())
    for learner in (resumed, again):
        learner.learn(events[250:])
    assert again.to_bytes() == resumed.to_bytes()


def test_a_model_is_of_its_moment_though_more_is_learned_before_it_is_fetched(schema, draw_events, opened):
    events = draw_events(6, 200)
    beside, apart = VwLearner(OPTIONS, schema), opened()
    fetched, wanted = [], []
    for begin in range(0, 200, 10):
        for learner in (beside, apart):
            learner.learn(events[begin : begin + 10])
        fetched.append(apart.saved())
        wanted.append(beside.saved())
    assert [fetch() for fetch in reversed(fetched)] == [want() for want in reversed(wanted)]
    assert len({want() for want in wanted}) == 20


def test_a_learner_with_unfetched_models_closes(schema, draw_events):
    learner = LearnerProcess(OPTIONS, schema)
    for event in draw_events(7, 40):
        learner.learn([event])
        learner.saved()
    learner.close()
    assert not learner._process.is_alive()


def test_an_answer_that_cannot_be_read_reaches_who_waits_for_it():
    ours, theirs = Pipe()
    futures: list[Future[bytes]] = [Future(), Future()]
    theirs.send_bytes(b"no pickle")
    _listen(ours, deque(futures))
    for future in futures:
        with pytest.raises(UnpicklingError):
            future.result(0)
    with pytest.raises(EOFError):
        theirs.recv()  # so that the process ends
    theirs.close()
    ours.close()


@pytest.mark.parametrize("sized", [1, 40])
def test_a_learner_that_was_interrupted_while_it_handed_events_over_closes(schema, draw_events, sized):
    learner = LearnerProcess(OPTIONS, schema)
    events = draw_events(9, 64 * sized)
    os.kill(learner._process.pid, signal.SIGSTOP)  # so that the pipe fills up
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(KeyboardInterrupt):
            learner.learn(cycle(events))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        os.kill(learner._process.pid, signal.SIGCONT)
    closing = threading.Thread(target=learner.close)
    closing.start()
    closing.join(20)
    assert not closing.is_alive()
    assert not learner._process.is_alive()


def test_a_learner_that_nobody_closed_ends_its_process(schema, draw_events):
    learner = LearnerProcess(OPTIONS, schema)
    learner.learn(draw_events(10, 5))
    process = learner._process
    del learner
    gc.collect()
    process.join(20)
    assert not process.is_alive()


def test_what_cannot_be_learned_is_refused_at_once_and_nothing_is_lost(schema, draw_events, opened):
    events = draw_events(4, 80)
    beside, apart = VwLearner(OPTIONS, schema), opened()
    bad = dataclasses.replace(events[40], x=np.full_like(events[40].x, np.nan))
    for learner in (beside, apart):
        with pytest.raises(InvalidInput, match="x"):
            learner.learn([*events[:40], bad])
        learner.learn(events[40:])
    assert apart.learned == beside.learned == 80
    assert apart.to_bytes() == beside.to_bytes()


def test_bytes_that_are_no_model_are_refused(opened):
    with pytest.raises(CorruptState):
        opened(b"no model")


def test_a_killed_process_is_noticed(draw_events, opened):
    learner = opened()
    learner.learn(draw_events(5, 10))
    os.kill(learner._process.pid, signal.SIGKILL)
    learner._process.join()
    with pytest.raises(LearningError, match="ended"):
        learner.to_bytes()


def test_who_waits_for_a_model_of_a_killed_process_hears_of_it(draw_events, opened):
    learner = opened()
    learner.learn(draw_events(8, 10))
    os.kill(learner._process.pid, signal.SIGSTOP)
    fetch = learner.saved()
    os.kill(learner._process.pid, signal.SIGKILL)
    with pytest.raises(LearningError, match="ended"):
        fetch()
