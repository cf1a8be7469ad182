"""Our exploration over compiled scores gives the probabilities that VW's own explorers give."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.core.errors import ConfigError
from engine.core.exploration import EpsilonGreedy, Softmax, SquareCB
from engine.core.learning import LearningOptions
from engine.vw import VwLearner, compile_model

_INTERACTIONS = ("UV", "UC", "XV", "XE", "CS", "UCS")
_CASES = [
    (EpsilonGreedy(0.2), "--epsilon 0.2"),
    (EpsilonGreedy(0.0), "--epsilon 0"),
    (Softmax(0.0), "--softmax --lambda 0"),
    (Softmax(7.0), "--softmax --lambda 7"),
    (SquareCB(), "--squarecb"),
    (SquareCB(3.0, 0.25), "--squarecb --gamma_scale 3 --gamma_exponent 0.25"),
    (SquareCB(500.0, 0.0), "--squarecb --gamma_scale 500 --gamma_exponent 0"),
]
_CASES_BY_TYPE = [
    (explorer, flags, cb_type)
    for explorer, flags in _CASES
    for cb_type in ("mtr", "ips", "dr")
    if cb_type == "mtr" or not isinstance(explorer, SquareCB)
]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("explorer", "flags", "cb_type"), _CASES_BY_TYPE, ids=str)
def test_probabilities_equal_vw(draw_campaign, seed, cb_type, explorer, flags):
    campaign = draw_campaign(seed)
    events = campaign.events(150 + seed)
    if isinstance(explorer, SquareCB):
        # VW's own squarecb regresses without importance weights: it learns as if every probability were 1.
        events = [dataclasses.replace(event, probability=1.0) for event in events]
    ours = LearningOptions(cb_type=cb_type, bits=18, interactions=_INTERACTIONS)
    theirs = dataclasses.replace(ours, extra=("--cb_explore_adf", flags), served_through_vw=True)
    learner, explored = VwLearner(ours, campaign.schema), VwLearner(theirs, campaign.schema)
    learner.learn(events)
    explored.learn(events)
    matrix = compile_model(learner.to_bytes(), ours, campaign.schema, (f for arm in campaign.arms for f in arm)).matrix(
        campaign.arms
    )
    for _ in range(20):
        row = campaign.row()
        costs = matrix.costs(row[None])
        got = explorer.probabilities(costs, np.ones(costs.shape, dtype=bool), learner.learned)[0]
        assert distinct_best(costs[0]), "equal best arms are split by rules of their own"
        assert np.abs(got - explored.predict(row, campaign.arms)).max() < tolerance(explorer)


def distinct_best(costs: np.ndarray) -> bool:
    return len(costs) < 2 or float(np.diff(np.sort(costs)[:2])[0]) > 1e-6


def tolerance(explorer) -> float:
    """A score is off by some 3e-7, and greed multiplies that."""
    return 5e-4 if isinstance(explorer, SquareCB) and explorer.gamma_scale > 100 else 2e-5


@pytest.mark.parametrize(("explorer", "flags"), _CASES[2:], ids=[flags for _, flags in _CASES[2:]])
def test_untaught_model_explores_evenly(draw_campaign, explorer, flags):
    campaign = draw_campaign(1)
    theirs = LearningOptions(extra=("--cb_explore_adf", flags), served_through_vw=True)
    truth = VwLearner(theirs, campaign.schema).predict(campaign.row(), campaign.arms)
    costs = np.zeros((1, len(campaign.arms)))
    got = explorer.probabilities(costs, np.ones(costs.shape, dtype=bool), 0)[0]
    assert np.allclose(got, truth, atol=1e-6)
    assert np.allclose(got, 1 / len(campaign.arms), atol=1e-6)


@pytest.mark.parametrize("cb_type", ["ips", "dr"])
@pytest.mark.parametrize("served", [False, True])
def test_vw_squarecb_takes_mtr_only(cb_type, served):
    with pytest.raises(ConfigError, match="mtr only"):
        LearningOptions(
            cb_type=cb_type,
            extra=("--cb_explore_adf --squarecb",) if served else ("--squarecb",),
            served_through_vw=served,
        )
