"""What every arm is truly worth for every shopper, in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

from engine.core.catalogue import Catalogue
from engine.core.objective import Objective
from simulator.arrays import FloatArray, IntArray
from simulator.shop.appeal import Appeal
from simulator.shop.basket import Basket
from simulator.shop.population import DEVICES, SEGMENTS, Population
from simulator.shop.scenario import Scenario

__all__ = ["Truth"]

_BARGAIN = SEGMENTS.index("bargain")
_LOYAL = SEGMENTS.index("loyal")
_SAMPLE = 2000
_TASTE_IN_BUYING = 0.5
_LOYALTY_IN_BUYING = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Click and purchase probabilities of every (shopper, arm); k arms, column 0 being `hold`.

    Attributes:
        scenario: Sizes of the effects.
        population: The shoppers.
        appeal: The variants.
        basket: What is spent.
        variant: Shape (k,), variant of each arm; `hold` has -1, as in the next two.
        channel: Shape (k,).
        slot: Shape (k,).
        intercept: Log-odds that meet the scenario's base click rate.
        liking: Shape (users, channels), standard deviation 1.
        rhythm: Shape (devices, slots).
    """

    scenario: Scenario
    population: Population
    appeal: Appeal
    basket: Basket
    variant: IntArray
    channel: IntArray
    slot: IntArray
    intercept: float
    liking: FloatArray
    rhythm: FloatArray

    @classmethod
    def of(
        cls,
        scenario: Scenario,
        population: Population,
        appeal: Appeal,
        catalogue: Catalogue,
        rng: np.random.Generator,
    ) -> Truth:
        """Draw the effects and set the intercept."""
        directions = rng.standard_normal((scenario.shoppers.tastes, len(scenario.channels)))
        liking = population.tastes @ (directions / np.linalg.norm(directions, axis=0))
        places = _places(scenario, catalogue)
        made = {
            "scenario": scenario,
            "population": population,
            "appeal": appeal,
            "basket": Basket(scenario.shoppers.basket_sigma, scenario.shoppers.basket_cap),
            "liking": liking,
            "rhythm": rng.standard_normal((len(DEVICES), len(scenario.slots))),
            "variant": places[:, 0],
            "channel": places[:, 1],
            "slot": places[:, 2],
        }
        users = rng.choice(len(population.activity), min(_SAMPLE, len(population.activity)), replace=False)
        odds = cls(intercept=0.0, **made)._log_odds(users)[:, 1:]
        return cls(intercept=_intercept(odds, scenario.response.base_click), **made)

    def click(self, users: IntArray) -> FloatArray:
        """P(click | delivered, shopper, arm). Shape (n, k); 0 for `hold`."""
        result = expit(self.intercept + self._log_odds(users))
        result[:, 0] = 0.0
        return np.asarray(result)

    def buy(self, users: IntArray) -> FloatArray:
        """P(purchase | click, shopper, arm). Shape (n, k); 0 for `hold`."""
        match = self.population.tastes[users] @ self.appeal.directions.T
        odds = logit(self.scenario.response.buy_after_click) + _TASTE_IN_BUYING * match
        odds += _LOYALTY_IN_BUYING * (self.population.segment[users] == _LOYAL)[:, None]
        result = expit(odds)[:, self.variant]
        result[:, 0] = 0.0
        return np.asarray(result)

    def expected(self, objective: Objective, users: IntArray, exposed_s: FloatArray) -> FloatArray:
        """E[objective's reward | shopper, arm], before the objective's cut.

        Unprompted purchases fall on the decision for as long as it is the shopper's latest and its horizon lasts; that
        is the same for all arms. The shop's shoppers write no comments, so a comment's term is 0.

        Args:
            objective: Weights of the outcomes.
            users: Shape (n,).
            exposed_s: Shape (n,), how long purchases that name the shopper alone are credited to the decision.

        Returns:
            Shape (n, k), reward units.
        """
        delivered = self.delivered
        click = delivered * self.click(users)
        prompted = click * self.buy(users)
        organic = (self.population.organic_per_s[users] * exposed_s)[:, None]
        mean = self.basket.mean(self.population.basket_median[users])[:, None]
        spent = prompted * mean * self.paid
        terms = {
            "click": click,
            "conversion": 1.0 - np.exp(-organic) * (1.0 - prompted),
            "purchase": organic * mean + spent,
            "refund": self.scenario.response.refund * spent,
            "cost": delivered * self.of_channel([c.cost for c in self.scenario.channels]),
            "unsubscribe": delivered * self.of_channel([c.unsubscribe for c in self.scenario.channels]),
            "comment": np.zeros(1),
        }
        result = np.zeros(click.shape)
        for term, weight in objective.weights.items():
            result += weight * terms[term]
        return result

    @property
    def delivered(self) -> FloatArray:
        """P(delivered | arm). Shape (k,); 0 for `hold`."""
        return self.of_channel([1.0 - channel.bounce for channel in self.scenario.channels])

    @property
    def paid(self) -> FloatArray:
        """Share of the basket that is paid after the arm's discount. Shape (k,)."""
        paid = (1.0 - self.appeal.discount)[self.variant]
        paid[0] = 1.0
        return np.asarray(paid)

    def of_channel(self, values: list[float]) -> FloatArray:
        """Spread a fact of channels over the arms. Shape (k,); 0 for `hold`."""
        result = np.array(values, dtype=np.float64)[self.channel]
        result[0] = 0.0
        return np.asarray(result)

    def _log_odds(self, users: IntArray) -> FloatArray:
        """Log-odds of a click without the intercept. Shape (n, k); column 0 means nothing."""
        response, people = self.scenario.response, self.population
        discount = self.appeal.discount - self.appeal.discount.mean()
        spread = max(float(discount.std()), 1e-9)
        of_variant = response.taste * (people.tastes[users] @ self.appeal.directions.T)
        of_variant = of_variant + response.quality * self.appeal.quality
        of_variant += response.bargain * (people.segment[users] == _BARGAIN)[:, None] * (discount / spread)
        of_channel = np.array([channel.effect for channel in self.scenario.channels])
        of_channel = of_channel + response.affinity * self.liking[users]
        of_slot = np.array([slot.effect for slot in self.scenario.slots])
        of_slot = of_slot + response.rhythm * self.rhythm[people.device[users]]
        return np.asarray(of_variant[:, self.variant] + of_channel[:, self.channel] + of_slot[:, self.slot])


def _places(scenario: Scenario, catalogue: Catalogue) -> IntArray:
    variants = {str(variant.id): i for i, variant in enumerate(catalogue.variants)}
    channels = {channel.id: i for i, channel in enumerate(scenario.channels)}
    slots = {slot.id: i for i, slot in enumerate(scenario.slots)}
    places = [
        (-1, -1, -1) if arm is None else (variants[arm.variant], channels[arm.channel], slots[arm.slot])
        for arm in catalogue.arms
    ]
    return np.array(places, dtype=np.int64)


def _intercept(log_odds: FloatArray, rate: float) -> float:
    """The intercept at which the mean probability is `rate`, by bisection."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        if float(expit(middle + log_odds).mean()) < rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2
