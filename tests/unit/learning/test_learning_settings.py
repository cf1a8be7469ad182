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
