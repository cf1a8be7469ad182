from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.errors import InvalidInput
from engine.core.feature import Feature
from engine.core.learning import LearningEvent
from engine.core.schema import Attribute, Schema
from engine.vw.example import ExampleWriter

SCHEMA = Schema(2, {"tier": Attribute("categorical", ("gold", "tin"))})
ARMS = (
    (Feature("V", "hold", 1.0), Feature("C", "hold", 1.0)),
    (Feature("V", "id=a", 1.0), Feature("V", "tone=warm", 1.0), Feature("C", "id=email", 1.0), Feature("E", "e0", 0.1)),
)
EVENT = LearningEvent(np.array([0.5, -1.0, 0, 1, 0], dtype=np.float32), ARMS, 1, 0.25, 0.125)


def test_one_shared_line_then_one_line_per_arm_with_the_label_on_the_chosen():
    assert ExampleWriter(SCHEMA).labelled(EVENT) == [
        "shared |U u0:0.5 u1:-1 |X tier=tin:1",
        "|V hold:1 |C hold:1",
        "0:0.25:0.125 |V id=a:1 tone=warm:1 |C id=email:1 |E e0:0.100000001",
    ]


def test_unlabelled_lines_have_no_label():
    lines = ExampleWriter(SCHEMA).unlabelled(EVENT.x, ARMS)
    assert [line.split("|")[0] for line in lines] == ["shared ", "", ""]


def test_shopper_of_whom_nothing_is_known_still_has_a_shared_line():
    assert ExampleWriter(Schema()).unlabelled(np.zeros(0, dtype=np.float32), ARMS)[0] == "shared |U"


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_nine_digits_name_a_float32(value):
    line = ExampleWriter(Schema(1)).unlabelled(np.array([value], dtype=np.float32), ARMS)[0]
    assert np.float32(float(line.split("u0:")[1])) == np.float32(value)


def test_arms_are_written_once_but_never_mistaken_for_others():
    writer = ExampleWriter(Schema(1))
    x = np.ones(1, dtype=np.float32)
    for i in range(2000):
        # A tuple that dies at once: a cache by identity alone would hand its line to the next one at that address.
        arm = (Feature("V", f"id={i}", 1.0),)
        assert writer.unlabelled(x, [arm])[1] == f"|V id={i}:1"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chosen": 2}, "chosen"),
        ({"chosen": -1}, "chosen"),
        ({"probability": 0.0}, "probability"),
        ({"probability": 1.0000001}, "probability"),
        ({"probability": float("nan")}, "probability"),
        ({"probability": 1e-60}, "probability"),
        ({"cost": float("inf")}, "cost"),
        ({"cost": float("nan")}, "cost"),
        ({"cost": 1e39}, "cost"),
        ({"x": np.array([0.5, np.nan, 0, 1, 0], dtype=np.float32)}, "x"),
        ({"x": np.array([0.5, np.inf, 0, 1, 0], dtype=np.float32)}, "x"),
        ({"x": np.zeros(4, dtype=np.float32)}, "x"),
        ({"x": np.zeros(5)}, "x"),
        ({"weight": 0}, "weight"),
        ({"weight": 1.5}, "weight"),
        ({"arms": (), "chosen": 0}, "chosen"),
        ({"arms": ((),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("U", "u0", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("", "a", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "a b", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "a|C", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "a:2", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "a\nshared", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "17", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "", 1.0),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "a", float("nan")),),), "chosen": 0}, "arms"),
        ({"arms": ((Feature("V", "a", 1e300),),), "chosen": 0}, "arms"),
    ],
)
def test_what_native_code_would_choke_on_is_refused_with_its_field(change, field):
    with pytest.raises(InvalidInput) as caught:
        ExampleWriter(SCHEMA).labelled(dataclasses.replace(EVENT, **change))
    assert caught.value.field == field
