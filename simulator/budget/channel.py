"""One channel of a log: how likely each decision was to go there, and what it spent there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.log import Log
from simulator.policies.logged_probabilities import logged_probabilities
from simulator.policies.repriced import arms_on_channel
from simulator.quantities import Quantities

__all__ = ["Channel", "spend_only"]

_WIDEST = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """What is known of a channel row by row; all a re-priced policy depends on.

    Attributes:
        name: Its name.
        chance: Logged probability that the decision goes to the channel, shape (n,).
        taken: 1 where it went there, shape (n,).
        spend: Cost of the decisions that went there, shape (n,).
        price: Expected cost of a decision that goes there, Σₐ p(a | x, channel) · mean cost of a, shape (n,).
        count: Decisions of each row, shape (n,).
    """

    name: str
    chance: FloatArray
    taken: FloatArray
    spend: FloatArray
    price: FloatArray
    count: FloatArray

    @classmethod
    def of(cls, log: Log, name: str) -> Channel:
        """Read a channel off a log.

        Raises:
            InvalidInput: When the log has no such channel, spends nothing on it, or did not keep all probabilities.
        """
        on_channel = arms_on_channel(log, name)
        probabilities = logged_probabilities(log) * on_channel[log.eligible]
        taken = on_channel[log.arm].astype(np.float64)
        spend = Quantities(log)["cost"] * taken
        if not spend.any():
            raise InvalidInput(
                f"expected outcomes of type cost on channel {name!r}, got none; report what its sends cost",
                field="--channel",
            )
        plays = np.bincount(log.arm, weights=log.count * taken, minlength=len(log.arms))
        costs = np.bincount(log.arm, weights=log.count * spend, minlength=len(log.arms))
        # An arm never played is taken to cost what the channel costs on the whole.
        price = np.where(plays > 0, costs / np.maximum(plays, 1.0), costs.sum() / plays.sum())
        chance = log.row_sums(probabilities)
        expected = log.row_sums(probabilities * price[log.eligible])
        return cls(
            name=name,
            chance=chance,
            taken=taken,
            spend=spend,
            price=np.where(chance > 0, expected / np.where(chance > 0, chance, 1.0), 0.0),
            count=log.count.astype(np.float64),
        )

    @property
    def spent(self) -> float:
        """Mean spend on the channel per decision, as it happened."""
        return float(self.count @ self.spend / self.count.sum())

    @property
    def most(self) -> float:
        """Mean spend were every decision to go to the channel that might."""
        return self._mean(self.price * (self.chance > 0))

    def expected(self, strength: float) -> float:
        """Mean spend per decision of the policy re-priced with λ, by the arms' mean costs."""
        return self._mean(self.price * self.repriced(strength))

    def repriced(self, strength: float) -> FloatArray:
        """Probability of the channel under the policy re-priced with λ, shape (n,)."""
        odds = np.exp(strength)
        return np.asarray(self.chance * odds / (1.0 - self.chance + self.chance * odds))

    def weight(self, strength: float) -> FloatArray:
        """Weight of the policy re-priced with λ, exp(λ c) / (1 − q + q exp(λ)), shape (n,)."""
        return np.asarray(np.exp(strength * self.taken) / (1.0 - self.chance + self.chance * np.exp(strength)))

    def strength_for(self, spend: float) -> float | None:
        """Solve for the λ with which an amount would be spent per decision; None beyond what the log can play."""
        if not 0.0 < spend < self.most:
            return None
        low, high = -_WIDEST, _WIDEST
        if not self.expected(low) <= spend <= self.expected(high):
            return None
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.expected(middle) < spend else (low, middle)
        return (low + high) / 2

    def _mean(self, rows: FloatArray) -> float:
        return float(self.count @ rows / self.count.sum())


def spend_only(log: Log, channel: str) -> Log:
    """Keep only what was spent on a channel of a log's outcomes: there, the metric `cost` is the channel's spend."""
    cost = np.isin(log.outcomes.kind, [place for place, kind in enumerate(log.outcomes.kinds) if kind == "cost"])
    on_channel = arms_on_channel(log, channel)[log.arm]
    return replace(log, outcomes=log.outcomes.keep(cost & on_channel[log.outcomes.row]))
