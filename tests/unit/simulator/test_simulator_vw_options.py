"""Options of `vw:` policies: everything for contextual bandits, nothing that touches files or kills the process."""

from __future__ import annotations

import pytest

from engine.core.errors import InvalidInput
from engine.core.learning import FILE_OPTIONS
from simulator.policies.vw_options import VwOptions


def test_short_names_quotes_and_attached_values_are_read() -> None:
    options = VwOptions.parse("--cb_explore_adf -qUV -q 'XC' --interactions=UVC -l0.5 -b 18 --cb_min_cost -1 --quiet")
    assert options.explores
    assert options.arguments == (
        "--cb_explore_adf", "--quadratic", "UV", "--quadratic", "XC", "--interactions", "UVC",
        "--learning_rate", "0.5", "--bit_precision", "18", "--cb_min_cost", "-1",
    )  # fmt: skip


def test_without_exploration_it_is_greedy() -> None:
    assert not VwOptions.parse("--cb_adf --cb_type dr").explores


@pytest.mark.parametrize("name", sorted(FILE_OPTIONS))
def test_nothing_may_touch_files_or_listen(name: str) -> None:
    with pytest.raises(InvalidInput, match=r"reads or writes files.*remove it"):
        VwOptions.parse(f"--cb_explore_adf {name} x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--cb_explore_adf or --cb_adf"),
        ("--epsilon 0.1", "--cb_explore_adf or --cb_adf"),
        ("--cb_explore_adf --epsilonn 0.1", "did you mean --epsilon"),
        ("--cb_explore_adf --zzz", "expected an option for contextual bandits"),
        ("--cb_explore_adf stray", "got 'stray'"),
        ("--cb_explore_adf --epsilon 0.1 0.2", "got '0.2'"),
        ("--cb_explore_adf --epsilon", "expected a value after --epsilon"),
        ("--cb_explore_adf --epsilon --bag 3", "expected a value after --epsilon"),
        ("--cb_explore_adf --epsilon nan", "finite number after --epsilon"),
        ("--cb_explore_adf --epsilon=", "finite number after --epsilon"),
        ("--cb_explore_adf --epsilon 0.1 --epsilon 0.2", "expected --epsilon once"),
        ("--cb_explore_adf=3", "without a value"),
        # Vowpal Wabbit would end the process.
        ("--cb_explore_adf --bag 0", "at least 1 after --bag"),
        ("--cb_explore_adf --bag -3", "at least 1 after --bag"),
        ("--cb_explore_adf --cover 0", "at least 1 after --cover"),
        ("--cb_explore_adf --automl 0", "at least 1 after --automl"),
        ("--cb_explore_adf -b 40", "from 6 to 28"),
        ("--cb_explore_adf -q 'UV", "close the quotes"),
        ("--cb_explore_adf --cb_sample", "it draws an arm"),
        ("--ccb_explore_adf", "slates"),
        ("--cb 4", "fixed number of arms"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as raised:
        VwOptions.parse(text)
    assert raised.value.field.startswith("vw:")


def test_bounds_of_costs_are_said_where_the_exploration_needs_them() -> None:
    plain, regcb = VwOptions.parse("--cb_explore_adf --squarecb"), VwOptions.parse("--cb_explore_adf --regcbopt")
    assert plain.with_cost_range(-1.0, 0.0) == plain.arguments
    assert regcb.with_cost_range(-1.0, 0.0) == (*regcb.arguments, "--cb_min_cost", "-1", "--cb_max_cost", "0")
    own = VwOptions.parse("--cb_explore_adf --regcb --cb_max_cost 2")
    assert own.with_cost_range(-1.0, 0.0) == own.arguments
