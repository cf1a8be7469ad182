from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.campaign import Campaign, Publishing, Shares
from engine.core.exploration.options import ExplorationOptions
from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.outcome import OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.schema import Schema
from engine.core.variant import Variant
from engine.service.learning_settings import horizons, settings_digest

CAMPAIGN = Campaign(id="c", channels=(Channel("email"),), slots=(Slot("now"),))


@pytest.mark.parametrize(
    "change",
    [
        {"objective": Objective({"click": 2.0})},
        {"objective": Objective(high=2.0)},
        {"schema": Schema(3)},
        {"learning": LearningOptions(learning_rate=0.1)},
        {"windows_s": {OutcomeType.CLICK: 5.0}},
        {"slots": (Slot("now", delay_s=1.0),)},
        {"attribution": "all"},
    ],
)
def test_what_changes_the_lessons_changes_the_digest(change):
    assert settings_digest(replace(CAMPAIGN, **change)) != settings_digest(CAMPAIGN)


@pytest.mark.parametrize(
    "change",
    [
        {"variants": (Variant(id="v"),)},
        {"exploration": ExplorationOptions("epsilon_greedy")},
        {"publishing": Publishing(every_decisions=7)},
        {"shares": Shares(holdout=0.1)},
        {"paused": True},
    ],
)
def test_what_does_not_change_the_lessons_does_not(change):
    assert settings_digest(replace(CAMPAIGN, **change)) == settings_digest(CAMPAIGN)


def test_horizons_are_the_longest_delay_plus_the_window():
    campaign = replace(CAMPAIGN, slots=(Slot("now"), Slot("later", delay_s=60.0)), windows_s={OutcomeType.CLICK: 5.0})
    assert horizons(campaign)[OutcomeType.CLICK].total_seconds() == 65.0
    assert set(horizons(campaign)) == set(OutcomeType)


def test_models_from_before_there_were_comments_stay_valid():
    assert settings_digest(CAMPAIGN) == "6beb587c85ae2d81ddc32bfe", "as it was without the outcome type"
    assert settings_digest(replace(CAMPAIGN, windows_s={OutcomeType.COMMENT: 5.0})) == settings_digest(CAMPAIGN)
    listening = replace(CAMPAIGN, objective=Objective({"click": 1.0, "comment": 0.1}, low=-1.0))
    longer = replace(listening, windows_s={OutcomeType.COMMENT: 30.0 * 86_400.0})
    assert settings_digest(longer) != settings_digest(listening)


def test_a_comment_counts_as_long_as_the_longest_of_the_others():
    quick = dict.fromkeys((kind for kind in OutcomeType if kind is not OutcomeType.COMMENT), 20.0)
    campaign = replace(CAMPAIGN, windows_s={**quick, OutcomeType.REFUND: 50.0})
    assert campaign.horizon_s(OutcomeType.COMMENT) == 50.0, "so that joining holds nothing for longer than it did"
    assert replace(campaign, windows_s={OutcomeType.COMMENT: 7.0}).horizon_s(OutcomeType.COMMENT) == 7.0
