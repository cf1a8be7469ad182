"""A learner killed anywhere and restarted from its bytes ends where an undisturbed one does, bit for bit."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import vowpalwabbit

from engine.core.learning import LearningOptions
from engine.vw import ExampleWriter, VwLearner, Workspace, vw_arguments

COUNT = 400
OPTIMIZERS = [
    {},
    {"l1": 1e-3},
    {"l2": 1e-2},
    {"l1": 1e-4, "l2": 1e-3, "power_t": 0.3, "initial_t": 2.0, "bits": 10},
    {"optimizer": "coin", "l1": 1e-3, "l2": 1e-3},
    {"optimizer": "ftrl", "learning_rate": 0.05, "l1": 1e-2, "l2": 1e-2},
    {"optimizer": "sgd", "learning_rate": 0.005, "l1": 1e-4, "l2": 1e-3},
    {"constant": False, "extra": ("--clip_p", "0.1")},
    {"weighted": True},
]


def options(cb_type: str, change: dict, save_every: int) -> LearningOptions:
    return LearningOptions(
        cb_type=cb_type, interactions=("UV", "XC", "CS", "UCS"), **({"bits": 14} | change), save_every=save_every
    )


def state(learner_options: LearningOptions, data: bytes) -> list[dict]:
    """Weights with what the optimiser keeps beside them, as VW itself prints them."""
    flag = ["--dump_json_weights_include_extra_online_state_experimental"]
    workspace = Workspace([*vw_arguments(learner_options), *flag], data)
    weights = json.loads(workspace.json_weights())["weights"]
    workspace.close()
    return weights


def killed_at(points: list[int], chosen: LearningOptions, schema, events) -> VwLearner:
    learner = VwLearner(chosen, schema)
    for start, end in zip([0, *points], [*points, len(events)], strict=True):
        learner.learn(events[start:end])
        learner = VwLearner.from_bytes(chosen, schema, learner.to_bytes())
        assert learner.learned == end
    return learner


@pytest.mark.parametrize("change", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("cb_type", ["mtr", "ips", "dr"])
def test_equal_weights_and_optimiser_state(schema, draw_events, cb_type, change):
    events = draw_events(7, COUNT)
    chosen = options(cb_type, change, save_every=150)
    undisturbed = VwLearner(chosen, schema)
    undisturbed.learn(events)
    expected = undisturbed.to_bytes()
    rng = np.random.default_rng(1)
    for kills in (1, 4):
        points = sorted(int(p) for p in rng.choice(np.arange(1, COUNT), size=kills, replace=False))
        found = killed_at(points, chosen, schema, events).to_bytes()
        assert found == expected, f"killed at {points}"
        if chosen.optimizer == "adaptive":
            assert state(chosen, found) == state(chosen, expected)


@pytest.mark.parametrize("cb_type", ["mtr", "ips", "dr"])
def test_saving_often_or_never_learns_the_same(schema, draw_events, cb_type):
    """Saving and reloading loses nothing, so `save_every` is no part of what is learned."""
    events = draw_events(3, COUNT)
    found = []
    for save_every in (1, 13, 10_000):
        learner = VwLearner(options(cb_type, {"l2": 1e-3}, save_every), schema)
        learner.learn(events)
        found.append(learner.to_bytes())
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("missing", ["--preserve_performance_counters", "--per_model_save_load"])
def test_without_the_lossless_flags_a_restart_drifts(schema, draw_events, missing):
    """Why the flags are there: should a later VW not need them, this says so."""
    writer = ExampleWriter(schema)
    arguments = [word for word in vw_arguments(options("dr", {}, 10_000)) if word != missing]
    undisturbed, restarted = Workspace(arguments), Workspace(arguments)
    for i, event in enumerate(draw_events(5, COUNT)):
        undisturbed.learn(writer.labelled(event))
        restarted.learn(writer.labelled(event))
        if i == COUNT // 2:
            restarted = Workspace(arguments, restarted.to_bytes())
    assert undisturbed.to_bytes() != restarted.to_bytes()


def test_learning_is_what_the_plain_workspace_does(schema, draw_events):
    """We call VW's native steps ourselves; the weights are those of `vowpalwabbit.Workspace.learn`."""
    chosen = options("mtr", {}, 10_000)
    events = draw_events(6, 200)
    learner = VwLearner(chosen, schema)
    learner.learn(events)
    plain = vowpalwabbit.Workspace(arg_list=vw_arguments(chosen))
    writer = ExampleWriter(schema)
    for event in events:
        plain.learn(writer.labelled(event))
    reader = Workspace(vw_arguments(chosen), learner.to_bytes())
    assert reader.json_weights() == plain.json_weights()


def test_predicting_changes_nothing_that_is_learned(schema, arms, draw_events):
    events = draw_events(2, 60)
    asked, silent = (VwLearner(options("dr", {"l1": 1e-4}, 25), schema) for _ in range(2))
    for event in events:
        asked.learn([event])
        asked.predict(event.x, arms)
    silent.learn(events)
    assert asked.to_bytes() == silent.to_bytes()
    assert asked.learned == silent.learned == 60


def test_a_weight_is_so_many_equal_decisions(schema, draw_events):
    events = draw_events(9, 40)
    weighted, repeated = (VwLearner(options("mtr", {}, 17), schema) for _ in range(2))
    weighted.learn(dataclasses.replace(event, weight=1 + i % 3) for i, event in enumerate(events))
    repeated.learn(event for i, event in enumerate(events) for _ in range(1 + i % 3))
    assert weighted.to_bytes() == repeated.to_bytes()
    assert weighted.learned == sum(1 + i % 3 for i in range(40))


def test_it_learns(schema, arms, draw_events):
    """Costs rise with the shopper's number at the arm's index, and predictions follow."""
    learner = VwLearner(options("mtr", {"learning_rate": 0.5, "weighted": True}, 1000), schema)
    learner.learn(draw_events(1, 3000))
    liked, disliked = (schema.encode(np.array([sign * 2.0, 0, 0, 0]), {}) for sign in (-1, 1))
    assert learner.predict(liked, arms)[0] < learner.predict(disliked, arms)[0] - 0.2
