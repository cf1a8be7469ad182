"""What a space file stands for."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.arm import ChannelId, SlotId
from engine.core.campaign import Campaign
from engine.core.errors import ConfigError
from engine.core.objective import Objective
from engine.core.placement import Channel, Slot
from simulator.sweep.choices import drawn, every
from simulator.sweep.contender import contenders
from simulator.sweep.space import Space

CAMPAIGN = Campaign("spring", (Channel(ChannelId("email")),), (Slot(SlotId("am")),))
SCALED = Objective({"purchase": 1.0}, low=0.0, high=50.0, typical=2.0)


def made(data):
    return contenders(Space.of(data), CAMPAIGN, lambda weights: SCALED)


def test_lists_ranges_and_tables_by_hand():
    assert every([1, [2, 3], {"from": 4, "to": 6, "steps": 3}], "x") == [1, [2, 3], 4, 5, 6]
    assert every({"from": 0.01, "to": 1.0, "steps": 3, "log": True}, "x") == [0.01, 0.1, 1.0]
    assert every({"a": [1, 2], "b": {"c": [3, 4]}}, "x") == [
        {"a": 1, "b": {"c": 3}},
        {"a": 1, "b": {"c": 4}},
        {"a": 2, "b": {"c": 3}},
        {"a": 2, "b": {"c": 4}},
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "empty list"),
        ({"from": 1, "to": 2}, "steps"),
        ({"from": 2, "to": 1, "steps": 3}, "from < to"),
        ({"from": 0, "to": 1, "steps": 3, "log": True}, "above 0"),
        ({"from": 0, "to": float("nan"), "steps": 3}, "from < to"),
        ({"from": 0, "to": 1, "steps": 1}, "2 to 1,000"),
        ({"from": 0, "to": 1, "step": 1}, "unknown in a range"),
    ],
)
def test_what_is_no_range_is_refused(value, message):
    with pytest.raises(ConfigError, match=message):
        every(value, "learning.bits")


def test_draws_are_even_on_their_scale_and_repeat_with_their_seed():
    range_ = {"from": 0.001, "to": 1.0, "log": True}
    draws = [drawn(range_, "x", np.random.default_rng(seed)) for seed in range(3000)]
    assert draws == [drawn(range_, "x", np.random.default_rng(seed)) for seed in range(3000)]
    decades, _ = np.histogram(np.log10(draws), bins=[-3, -2, -1, 0])
    assert (np.abs(decades - 1000) < 4 * np.sqrt(3000 * 2 / 9)).all()
    whole = {drawn({"from": 10, "to": 12}, "x", np.random.default_rng(seed)) for seed in range(200)}
    assert whole == {10, 11, 12}


def test_every_combination_is_a_candidate_named_by_what_differs():
    found = made(
        {
            "exploration": [{"kind": "softmax", "lambda": [1.0, 4.0]}, {"kind": "epsilon_greedy", "epsilon": 0.1}],
            "learning": {"cb_type": ["mtr", "dr"], "interactions": [["XV"], ["XV", "XC"]]},
            "policies": ["uniform"],
        }
    )
    assert len(found) == 3 * 2 * 2 + 1
    assert found[0].name == "softmax(1), cb_type=mtr, interactions=XV"
    assert found[-1].spec == "uniform"
    assert found[0].campaign.learning.interactions == ("XV",)
    assert len({one.key for one in found}) == len(found)
    # Four ways to learn; whatever differs in exploration alone shares a model.
    assert len({one.model_key for one in found if one.campaign}) == 4


def test_what_comes_to_the_same_is_tried_once():
    found = made({"exploration": {"kind": ["softmax", "uniform"], "lambda": [1.0, 4.0], "epsilon": [0.1, 0.2]}})
    assert [one.name for one in found] == ["softmax(1)", "softmax(4)", "uniform, learned"]


def test_objectives_take_their_scale_from_the_log_unless_they_state_one():
    found = made({"objective": [{"weights": {"purchase": 1.0}}, {"weights": {"click": 1.0}, "high": 2.0}]})
    assert found[0].campaign.objective == SCALED
    assert found[1].campaign.objective == Objective({"click": 1.0}, high=2.0)
    assert "objective.weights=1·purchase" in found[0].name


def test_floors_are_tables_within_tables():
    found = made({"exploration": {"floor": {"total": [0.1, 0.2]}}})
    assert [one.campaign.exploration.floor.total for one in found] == [0.1, 0.2]
    assert found[0].campaign.exploration.floor.hold == CAMPAIGN.exploration.floor.hold
    assert found[0].campaign.exploration.kind == CAMPAIGN.exploration.kind


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "expected candidates"),
        ({"learning": {"learning_rat": 1.0}}, "learning_rate"),
        ({"learning": {"cb_type": "best"}}, "cb_type"),
        ({"learning": {"interactions": ["UV", "UC"]}}, r"write \[\[…\], \[…\]\]"),
        ({"policies": ["best_constant"]}, "best_constant"),
        ({"policies": ["uniform"], "periods": {"train": 0.5, "select": 0.5, "confirm": 0.5}}, "sum to 1"),
        ({"policies": ["uniform"], "halving": {"keep": 1.0}}, "0.1 to 0.9"),
        ({"search": {"candidates": 3}, "learning": {"bits": {"from": 10, "to": 18, "steps": 9}}}, "at most 3"),
        ({"policies": ["uniform"], "rungs": 3}, "unknown key"),
    ],
)
def test_mistakes_are_named(data, message):
    with pytest.raises(ConfigError, match=message):
        made(data)


def test_random_search_draws_as_many_as_it_says():
    data = {
        "search": {"kind": "random", "candidates": 20, "seed": 4},
        "learning": {"learning_rate": {"from": 0.001, "to": 0.5, "log": True}},
    }
    rates = [one.campaign.learning.learning_rate for one in made(data)]
    assert len(set(rates)) == 20
    assert rates == [one.campaign.learning.learning_rate for one in made(data)]
    assert rates != [
        one.campaign.learning.learning_rate for one in made({**data, "search": {**data["search"], "seed": 5}})
    ]
