"""What a decision leads to, and when the shop hears of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.core.outcome import OutcomeType
from simulator.arrays import FloatArray
from simulator.shop.stream import LUCK
from simulator.shop.truth import Truth

__all__ = ["Reaction", "Reactions"]

_LUCK = {name: i for i, name in enumerate(LUCK)}


@dataclass(frozen=True, slots=True)
class Reaction:
    """One outcome as it happens. Times are seconds from the start.

    Attributes:
        type: What happened.
        at: When.
        value: Money, or 1.
        reason: Why a message was not sent.
    """

    type: OutcomeType
    at: float
    value: float = 1.0
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Reactions:
    """Draws reactions to arms from the truth.

    Attributes:
        truth: Probabilities.
        horizons_s: Outcome type → how long after the decision it counts. Every reaction happens within it: delays are
            exponential, cut there, so that what is expected stays in closed form.
    """

    truth: Truth
    horizons_s: dict[OutcomeType, float]

    def of(self, user: int, arm: int, at: float, luck: FloatArray, click: float, buy: float) -> Iterator[Reaction]:
        """Everything that follows from sending an arm; nothing from `hold`.

        Args:
            user: Shopper.
            arm: Column of the catalogue.
            at: When it was decided.
            luck: Shape (len(LUCK),), the decision's uniform numbers.
            click: P(click | delivered).
            buy: P(purchase | click).
        """
        if arm == 0:
            return
        scenario = self.truth.scenario
        channel = scenario.channels[self.truth.channel[arm]]
        sent = at + scenario.slots[self.truth.slot[arm]].delay_s * luck[_LUCK["send"]]
        if luck[_LUCK["bounce"]] < channel.bounce:
            yield Reaction(OutcomeType.NOT_SENT, sent, reason="bounce")
            return
        if channel.cost > 0:
            yield Reaction(OutcomeType.COST, sent, channel.cost)
        reporting = scenario.reporting
        if luck[_LUCK["unsubscribe"]] < channel.unsubscribe:
            left = at + self.horizons_s[OutcomeType.UNSUBSCRIBE] - sent
            delay = _cut_exponential(reporting.unsubscribe_s, left, luck[_LUCK["unsubscribe_delay"]])
            yield Reaction(OutcomeType.UNSUBSCRIBE, sent + delay)
        if luck[_LUCK["click"]] >= click:
            return
        left = at + self.horizons_s[OutcomeType.CLICK] - sent
        clicked = sent + _cut_exponential(reporting.click_s, left, luck[_LUCK["click_delay"]])
        yield Reaction(OutcomeType.CLICK, clicked)
        if luck[_LUCK["buy"]] < buy:
            yield from self._purchase(user, arm, at, clicked, luck)

    def _purchase(self, user: int, arm: int, at: float, clicked: float, luck: FloatArray) -> Iterator[Reaction]:
        reporting, response = self.truth.scenario.reporting, self.truth.scenario.response
        left = at + self.horizons_s[OutcomeType.PURCHASE] - clicked
        bought = clicked + _cut_exponential(reporting.purchase_s, left, luck[_LUCK["buy_delay"]])
        median = self.truth.population.basket_median[user]
        value = float(self.truth.basket.value(median, luck[_LUCK["basket"]]) * self.truth.paid[arm])
        yield Reaction(OutcomeType.PURCHASE, bought, value)
        if luck[_LUCK["refund"]] < response.refund:
            left = at + self.horizons_s[OutcomeType.REFUND] - bought
            back = bought + _cut_exponential(reporting.refund_s, left, luck[_LUCK["refund_delay"]])
            yield Reaction(OutcomeType.REFUND, back, value)


def _cut_exponential(mean: float, limit: float, uniform: float) -> float:
    """An exponential delay on condition that it stays within the limit, by inversion."""
    return float(-mean * np.log1p(-uniform * -np.expm1(-limit / mean)))
