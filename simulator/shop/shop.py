"""A shop with known truth."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from engine.core.arm import ChannelId, SlotId
from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.errors import ConfigError
from engine.core.outcome import OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from simulator.arrays import FloatArray, IntArray
from simulator.shop.appeal import Appeal
from simulator.shop.assortment import assortment
from simulator.shop.population import Population
from simulator.shop.reactions import Reactions
from simulator.shop.scenario import Scenario
from simulator.shop.stream import Stream
from simulator.shop.truth import Truth

__all__ = ["OPENING", "Shop"]

OPENING = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
"""Simulated time starts here."""


@dataclass(frozen=True, slots=True, eq=False)
class Shop:
    """Shoppers, copy, truth and luck of one seed, and the campaign that a server is given.

    Attributes:
        scenario: What it was made from.
        seed: Of everything drawn.
        campaign: What people set; nothing of the truth is in it.
        catalogue: The campaign's arms.
        population: The shoppers.
        stream: What happens whatever is sent.
        truth: What every arm is worth.
        reactions: Draws from the truth.
    """

    scenario: Scenario
    seed: int
    campaign: Campaign
    catalogue: Catalogue
    population: Population
    stream: Stream
    truth: Truth
    reactions: Reactions

    @classmethod
    def open(cls, scenario: Scenario, seed: int) -> Shop:
        """Draw a shop.

        Raises:
            InvalidInput: If a variants file is no good.
            ConfigError: If the scenario makes no valid campaign.
        """
        who, what, how, when = (np.random.default_rng([seed, part]) for part in range(4))
        population = Population.draw(scenario, who)
        variants = assortment(scenario, what)
        campaign = _campaign(scenario, variants)
        catalogue = campaign.catalogue()
        appeal = Appeal.of(variants, scenario.shoppers.tastes, seed)
        truth = Truth.of(scenario, population, appeal, catalogue, how)
        horizons = {kind: campaign.horizon_s(kind) for kind in OutcomeType}
        _require_ordered(horizons)
        stream = Stream.draw(scenario, population, max(horizons.values()), when)
        return cls(scenario, seed, campaign, catalogue, population, stream, truth, Reactions(truth, horizons))

    def exposed_s(self, decisions: IntArray) -> FloatArray:
        """How long purchases that name the shopper alone are credited to each decision. Shape (n,)."""
        return np.minimum(self.stream.until_next[decisions], self.reactions.horizons_s[OutcomeType.PURCHASE])

    def expected(self, decisions: IntArray) -> FloatArray:
        """Expected reward of every arm at each decision. Shape (n, k); `hold` is column 0."""
        users = self.stream.user[decisions]
        return self.truth.expected(self.campaign.objective, users, self.exposed_s(decisions))


def _campaign(scenario: Scenario, variants: tuple[Variant, ...]) -> Campaign:
    return Campaign(
        id=scenario.name,
        channels=tuple(Channel(ChannelId(channel.id), needs_consent=True) for channel in scenario.channels),
        slots=tuple(Slot(SlotId(slot.id), delay_s=slot.delay_s) for slot in scenario.slots),
        schema=Population.schema(scenario.shoppers.dimension),
        variants=variants,
        objective=scenario.objective,
        exploration=scenario.exploration,
        learning=scenario.learning,
        windows_s=scenario.windows_s,
        shares=scenario.shares,
        publishing=scenario.publishing,
        variant_ids=scenario.variant_ids,
    )


def _require_ordered(horizons: dict[OutcomeType, float]) -> None:
    """A purchase follows a click and a refund a purchase; shorter horizons would leave them no time to count."""
    chain = (OutcomeType.CLICK, OutcomeType.PURCHASE, OutcomeType.REFUND)
    for earlier, later in pairwise(chain):
        if horizons[later] < horizons[earlier]:
            raise ConfigError(
                f"expected at least the {earlier} window, got less; make it longer", field=f"windows_s.{later}"
            )
