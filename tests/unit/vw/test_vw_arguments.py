from __future__ import annotations

import pytest

from engine.core.learning import LearningOptions
from engine.vw.arguments import vw_arguments, weights_per_problem


def test_every_option_reaches_the_command_line():
    options = LearningOptions(
        cb_type="dr",
        interactions=("UV", "UCS"),
        bits=18,
        learning_rate=0.25,
        power_t=0.3,
        initial_t=2.0,
        optimizer="coin",
        l1=1e-7,
        l2=0.001,
        constant=False,
        extra=("--clip_p=0.01",),
    )
    assert " ".join(vw_arguments(options)) == (
        "--cb_adf --cb_type dr --interactions UV --interactions UCS --bit_precision 18 --learning_rate 0.25"
        " --power_t 0.3 --initial_t 2.0 --coin --l1 1e-07 --l2 0.001 --noconstant --preserve_performance_counters"
        " --per_model_save_load --clip_p 0.01 --quiet --no_stdin"
    )


def test_exploring_inside_vw_replaces_the_base_reduction():
    arguments = vw_arguments(LearningOptions(extra=("--cb_explore_adf", "--bag 3"), served_through_vw=True))
    assert "--cb_adf" not in arguments
    assert arguments[arguments.index("--bag") + 1] == "3"


@pytest.mark.parametrize(("cb_type", "regressors"), [("mtr", 1), ("ips", 1), ("dr", 2)])
def test_doubly_robust_keeps_two_regressors(cb_type, regressors):
    assert weights_per_problem(LearningOptions(cb_type=cb_type)) == regressors


def test_only_mtr_leaves_the_propensity_out():
    assert " --clip_p 1.0 " in " ".join(vw_arguments(LearningOptions()))
    assert "--clip_p" not in vw_arguments(LearningOptions(weighted=True))
    assert "--clip_p" not in vw_arguments(LearningOptions(cb_type="ips"))
    assert "--clip_p" not in vw_arguments(LearningOptions(cb_type="dr"))
