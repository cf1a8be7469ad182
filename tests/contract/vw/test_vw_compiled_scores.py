"""Compiled tables score as Vowpal Wabbit does, whatever was learned and however."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.core.compiled import CompiledModel
from engine.core.feature import Feature
from engine.core.learning import LearningOptions
from engine.vw import VwLearner, check_compiled, compile_model

_SETTINGS = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
_INTERACTIONS = (
    "UV", "VU", "UC", "US", "UO", "UE", "XV", "CX", "XS", "XO", "XE", "CS", "VC", "EO", "VE", "OC",
    "VCS", "SCOV", "UCS", "CUS", "SXV", "XCO", "OEU",
)  # fmt: skip
_RATES = {"adaptive": 0.5, "sgd": 0.005, "coin": 0.5, "ftrl": 0.05}


def distinct(names: list[str]) -> tuple[str, ...]:
    return tuple({"".join(sorted(name)): name for name in names}.values())


@st.composite
def options(draw: st.DrawFn) -> LearningOptions:
    optimizer = draw(st.sampled_from(sorted(_RATES)))
    extra = draw(
        st.sampled_from(
            [(), ("--ignore_linear", "U"), ("--ignore_linear=VE",), ("--min_prediction 0", "--max_prediction 1")]
        )
    )
    return LearningOptions(
        cb_type=draw(st.sampled_from(["mtr", "ips", "dr"])),
        interactions=distinct(draw(st.lists(st.sampled_from(_INTERACTIONS), max_size=7))),
        bits=draw(st.sampled_from([6, 8, 13, 18])),
        learning_rate=_RATES[optimizer],
        power_t=draw(st.sampled_from([0.0, 0.5])),
        initial_t=draw(st.sampled_from([None, 2.0])),
        optimizer=optimizer,
        l1=draw(st.sampled_from([0.0, 1e-4, 1e-2])),
        l2=draw(st.sampled_from([0.0, 1e-4, 1e-2])),
        constant=draw(st.booleans()),
        weighted=draw(st.booleans()),
        save_every=draw(st.sampled_from([7, 1000])),
        extra=extra,
    )


def worst_difference(campaign, learner: VwLearner, compiled: CompiledModel, arms: list, contexts: int) -> float:
    """Over whole decisions: every arm of a request scored together; relative where terms add up to more than 1."""
    matrix = compiled.matrix(arms)
    worst = 0.0
    for _ in range(contexts):
        row = campaign.row()
        truth = learner.predict(row, arms)
        scores = matrix.costs(row[None])[0]
        sizes = [sum(abs(value) for _, value in matrix.contributions(row, i)) for i in range(len(arms))]
        worst = max(worst, float(np.max(np.abs(truth - scores) / np.maximum(1.0, sizes))))
    return worst


@given(seed=st.integers(0, 2**31), options=options())
@_SETTINGS
def test_compiled_scores_equal_vw(draw_campaign, seed, options):
    campaign = draw_campaign(seed)
    learner = VwLearner(options, campaign.schema)
    learner.learn(campaign.events(120))
    data = learner.to_bytes()
    compiled = compile_model(data, options, campaign.schema, (f for arm in campaign.arms for f in arm))
    assert worst_difference(campaign, learner, compiled, campaign.arms, 5) <= 3e-6
    assert check_compiled(data, options, campaign.schema, compiled, campaign.arms, seed=seed, n=32) <= 3e-6


@pytest.mark.parametrize("cb_type", ["mtr", "ips", "dr"])
@pytest.mark.parametrize("bits", [6, 24])
def test_from_all_collisions_to_none(draw_campaign, cb_type, bits):
    campaign = draw_campaign(5)
    options = LearningOptions(cb_type=cb_type, bits=bits, interactions=("UV", "UC", "XE", "CS", "UCS", "VCS"))
    learner = VwLearner(options, campaign.schema)
    learner.learn(campaign.events(200))
    compiled = compile_model(learner.to_bytes(), options, campaign.schema, (f for arm in campaign.arms for f in arm))
    assert worst_difference(campaign, learner, compiled, campaign.arms, 20) <= 3e-6
    learner_scores = learner.predict(campaign.row(), campaign.arms)
    assert np.ptp(learner_scores) > 1e-3, "an untaught model would agree trivially"


def test_variant_added_after_compiling_scores_by_what_it_shares(draw_campaign):
    """VW never saw the new id either, and without collisions gives it no weight."""
    campaign = draw_campaign(11)
    options = LearningOptions(bits=24, interactions=("UV", "UC", "UE", "XV", "CS", "VC"))
    learner = VwLearner(options, campaign.schema)
    learner.learn(campaign.events(200))
    compiled = compile_model(learner.to_bytes(), options, campaign.schema, (f for arm in campaign.arms for f in arm))
    old = next(arm for arm in campaign.arms if any(f.key == "V^id=v0" for f in arm))
    renamed = (Feature("V", "id=new", 1.0) if f.key == "V^id=v0" else f for f in old)
    new = (*renamed, Feature("O", "unseen", 2.0))
    assert worst_difference(campaign, learner, compiled, [old, new], 20) <= 3e-6


def test_nothing_learned_scores_nothing(draw_campaign):
    campaign = draw_campaign(3)
    options = LearningOptions()
    data = VwLearner(options, campaign.schema).to_bytes()
    compiled = compile_model(data, options, campaign.schema, (f for arm in campaign.arms for f in arm))
    assert not compiled.matrix(campaign.arms).costs(campaign.row()[None]).any()
    assert check_compiled(data, options, campaign.schema, compiled, campaign.arms, seed=0) == 0.0
