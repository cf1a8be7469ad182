"""Arms parsed once and learned from many times teach what text does, bit for bit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from engine.core.feature import Feature
from engine.core.learning import LearningOptions
from engine.vw import ExampleWriter, VwLearner, Workspace, ready_arms, vw_arguments
from engine.vw.model_file import _untrained

COUNT = 300
CHANGES = [
    {},
    {"optimizer": "sgd", "learning_rate": 0.005, "power_t": 0.4, "initial_t": 1.0},
    {"optimizer": "coin"},
    {"optimizer": "ftrl", "l1": 1e-2},
    {"l1": 1e-4, "l2": 1e-3},
    {"constant": False, "weighted": True, "extra": ("--ignore_linear", "E")},
]


def state(options: LearningOptions, data: bytes) -> bytes:
    """The table of the model: index, weight, and what the optimiser keeps beside it."""
    return data[_untrained(tuple(vw_arguments(options)), options)[1] :]


def from_text(options: LearningOptions, schema, events) -> tuple[bytes, float]:
    writer, workspace = ExampleWriter(schema), Workspace(vw_arguments(options))
    for event in events:
        for _ in range(event.weight):
            workspace.learn(writer.labelled(event))
    data = workspace.to_bytes()
    workspace.close()
    reopened = Workspace(vw_arguments(options), data)
    seen = reopened.weighted_examples()
    reopened.close()
    return state(options, data), seen


def options_of(cb_type: str, change: dict) -> LearningOptions:
    return LearningOptions(
        cb_type=cb_type, bits=14, interactions=("UV", "XC", "CS", "UCS"), save_every=10_000, **change
    )


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("cb_type", ["mtr", "ips", "dr"])
def test_weights_and_optimiser_state_equal_those_of_text(schema, draw_events, cb_type, change):
    options = options_of(cb_type, change)
    events = [dataclasses.replace(event, weight=1 + i % 2) for i, event in enumerate(draw_events(5, COUNT))]
    learner = VwLearner(options, schema)
    learner.learn(events)
    data = learner.to_bytes()
    expected, seen = from_text(options, schema, events)
    assert len(expected) > 500
    assert state(options, data) == expected
    assert VwLearner.from_bytes(options, schema, data).learned == learner.learned == seen


def test_an_arm_that_stands_twice_or_has_no_room_is_read_from_text(schema, draw_events, monkeypatch):
    monkeypatch.setattr(ready_arms, "_MOST", 5)
    options = options_of("mtr", {})
    events = draw_events(6, 120)
    events[0] = dataclasses.replace(events[0], arms=[events[0].arms[0]] * 3, chosen=1)
    learner = VwLearner(options, schema)
    learner.learn(events)
    assert state(options, learner.to_bytes()) == from_text(options, schema, events)[0]


def test_arms_of_a_closed_workspace_are_read_anew(schema, draw_events):
    options, events = options_of("mtr", {}), draw_events(9, 200)
    often, once = (VwLearner(dataclasses.replace(options, save_every=n), schema) for n in (7, 10_000))
    often.learn(events)
    once.learn(events)
    assert state(options, often.to_bytes()) == state(options, once.to_bytes())


def test_a_bad_arm_is_refused_before_native_code_sees_it(schema, draw_events):
    options, (event, other) = options_of("mtr", {}), draw_events(9, 2)
    learner = VwLearner(options, schema)
    bad = (Feature("V", "a b", 1.0),)
    worse = (Feature("V", "a", float("nan")),)
    for arm in (bad, worse, ()):
        with pytest.raises(InvalidInput, match="arms"):
            learner.learn([dataclasses.replace(event, arms=[*event.arms, arm])])
    with pytest.raises(InvalidInput, match="x"):
        learner.learn([dataclasses.replace(event, x=np.full_like(event.x, np.nan))])
    learner.learn([other])
    assert learner.learned == 1
