"""Campaigns."""

from __future__ import annotations

from engine.core.arm import ChannelId, SlotId
from engine.core.campaign import Campaign
from engine.core.learning import LearningOptions
from engine.core.placement import Channel, Slot
from engine.core.schema import Schema


def test_without_an_embedding_attributes_take_its_place_in_the_default_interactions() -> None:
    channels, slots = (Channel(ChannelId("email")),), (Slot(SlotId("now")),)
    plain = Campaign("c", channels, slots, schema=Schema(0))
    assert "XV" in plain.learning.interactions
    assert not any("U" in pair for pair in plain.learning.interactions)
    assert "UV" in Campaign("c", channels, slots, schema=Schema(4)).learning.interactions
    chosen = LearningOptions(interactions=("XC",))
    assert Campaign("c", channels, slots, schema=Schema(0), learning=chosen).learning == chosen
