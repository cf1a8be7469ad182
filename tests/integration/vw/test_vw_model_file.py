"""A missing, damaged or foreign model is an error, never the end of the process."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.core.errors import ConfigError, CorruptState, LearningError
from engine.core.learning import LearningOptions
from engine.vw import ModelFile, VwLearner, check_compiled, checked_model, compile_model

OPTIONS = LearningOptions(bits=12, interactions=("UV", "CS"))


@pytest.fixture
def data(schema, draw_events) -> bytes:
    learner = VwLearner(OPTIONS, schema)
    learner.learn(draw_events(1, 80))
    return learner.to_bytes()


def test_the_header_says_what_it_is(data):
    header = ModelFile.parse(data)
    assert header.version.startswith("9.")
    assert header.bits == 12
    assert "--interactions UV --interactions CS" in header.options


@pytest.mark.parametrize("foreign", [b"", b"hello", b"\0" * 500, b"\xff" * 500, b"PK\x03\x04" + b"x" * 300])
def test_foreign_bytes(schema, foreign):
    with pytest.raises(CorruptState, match=r"expected a Vowpal Wabbit model.*rebuild"):
        VwLearner.from_bytes(OPTIONS, schema, foreign)


def test_cut_short_anywhere_but_between_two_weights(schema, data):
    header = len(VwLearner(OPTIONS, schema).to_bytes())
    for size in range(len(data)):
        if size < header or (size - header) % 16:
            with pytest.raises((CorruptState, LearningError)):
                checked_model(data[:size], OPTIONS)


def test_bytes_too_many(schema, data):
    for extra in (b"x", data):
        with pytest.raises(CorruptState):
            VwLearner.from_bytes(OPTIONS, schema, data + extra)


def test_random_damage_never_ends_the_process(schema, data, draw_events):
    """Damage inside a number cannot be seen here (the snapshot's checksum sees it), but native code must survive it."""
    rng = np.random.default_rng(0)
    events = draw_events(2, 2)
    refused = 0
    for _ in range(300):
        damaged = bytearray(data)
        for at in rng.integers(len(data), size=int(rng.integers(1, 6))):
            damaged[at] = int(rng.integers(256))
        try:
            VwLearner.from_bytes(OPTIONS, schema, bytes(damaged)).learn(events)
        except (CorruptState, LearningError):
            refused += 1
    assert refused > 100


@pytest.mark.parametrize(
    "change",
    [
        {"bits": 13},
        {"interactions": ("UV",)},
        {"interactions": ("VU", "CS")},
        {"cb_type": "dr"},
        {"optimizer": "coin"},
        {"learning_rate": 0.1},
        {"constant": False},
    ],
    ids=str,
)
def test_a_model_of_other_options_names_both(schema, data, change):
    other = dataclasses.replace(OPTIONS, **change)
    with pytest.raises(LearningError, match="the campaign says"):
        VwLearner.from_bytes(other, schema, data)
    with pytest.raises(LearningError, match="the campaign says"):
        compile_model(data, other, schema, [])


def test_a_diverged_model_is_not_published(schema, arms, draw_events):
    wild = LearningOptions(cb_type="ips", bits=12, interactions=("UV",))
    learner = VwLearner(wild, schema)
    learner.learn(dataclasses.replace(event, cost=3e38) for event in draw_events(1, 50))
    with pytest.raises(LearningError, match="diverged"):
        compile_model(learner.to_bytes(), wild, schema, [f for arm in arms for f in arm])


def test_the_publish_check_refuses_a_table_that_is_off(schema, arms, data):
    compiled = compile_model(data, OPTIONS, schema, [f for arm in arms for f in arm])
    assert check_compiled(data, OPTIONS, schema, compiled, arms, seed=3) < 1e-6
    rows = {"V": compiled.rows["V"] + np.float32(2e-4)}
    with pytest.raises(LearningError, match="nothing was published"):
        check_compiled(data, OPTIONS, schema, dataclasses.replace(compiled, rows=rows), arms, seed=3)


def test_served_through_vw_is_not_compiled(schema, data):
    with pytest.raises(ConfigError, match="served_through_vw"):
        compile_model(data, dataclasses.replace(OPTIONS, served_through_vw=True), schema, [])


def test_an_interaction_too_large_for_a_table_is_named(schema, data):
    from engine.core.feature import Feature

    many = [Feature(n, f"f{i}", 1.0) for n in "CS" for i in range(12_000)]
    with pytest.raises(LearningError, match=r"'CS' has 1.44e\+08 weights"):
        compile_model(data, OPTIONS, schema, many)


def test_served_models_restart_too(schema, arms, draw_events):
    served = LearningOptions(
        bits=12, interactions=("U:",), extra=("--cb_explore_adf", "--bag 3"), served_through_vw=True, save_every=20
    )
    events = draw_events(4, 60)
    straight, restarted = VwLearner(served, schema), VwLearner(served, schema)
    straight.learn(events)
    restarted.learn(events[:33])
    restarted = VwLearner.from_bytes(served, schema, restarted.to_bytes())
    restarted.learn(events[33:])
    row = events[0].x
    assert restarted.learned == 60
    assert straight.predict(row, arms).sum() == pytest.approx(1.0, abs=1e-5)


def test_native_code_prints_nothing(schema, arms, draw_events, capfd):
    learner = VwLearner(dataclasses.replace(OPTIONS, save_every=10), schema)
    learner.learn(draw_events(6, 40))
    learner.predict(draw_events(6, 1)[0].x, arms)
    compile_model(learner.to_bytes(), OPTIONS, schema, [])
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""
