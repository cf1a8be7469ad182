"""Logs made straight into arrays, from shops whose true values are known in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

__all__ = ["QUANTITIES", "SimulatedLog", "World"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

QUANTITIES = ("clicked", "converted", "revenue", "cost", "sent")
#: Two e-mails, a text message, and to hold back.
ARMS = 4
_HOLD = 3
_COST = np.array([0.02, 0.02, 0.25, 0.0])
_BOUNCED = 0.03
_REFUNDED = 0.08
_SEGMENTS = 2
#: Appeal of an arm to a segment, in units of the click rate.
_APPEAL = np.array([[1.0, 0.7, 1.5, 0.0], [0.6, 1.3, 1.0, 0.0]])
#: A click leads to a purchase this often, and the shopper comes by without one this often, in units of the rate.
_AFTER_CLICK = 0.25
_ORGANIC = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedLog:
    """Rows of one log, and what one policy would play on them; n rows.

    Attributes:
        user: Shape (n,), from 0.
        segment: Shape (n,).
        arm: The logged arm, shape (n,).
        weight: π(a | x) / p(a | x) of the logged arm, shape (n,).
        target: π of every arm, shape (n, ARMS).
        reward: Quantity → shape (n,).
    """

    user: Ints
    segment: Ints
    arm: Ints
    weight: Floats
    target: Floats
    reward: Mapping[str, Floats]


@dataclass(frozen=True, slots=True)
class World:
    """A shop, its shoppers, its logging policy and the policy to value.

    Attributes:
        name: For the table.
        click: Mean click rate of an arm of appeal 1.
        spread: Standard deviation of the log of a purchase's money.
        floor: Probability that the logging policy spreads over all arms; the rest is on the arm it likes best.
        rows: Mean number of decisions of a user, geometric; 1 for one each.
        taste: Users click (1 − taste) or (1 + taste) times as often as their segment, and come in that proportion too.
        purse: Standard deviation of the log of a user's own factor on money, which ties their purchases together.
        spend: Mean money of a purchase.
        reward_max: Revenue of a decision is cut off here, if at all.
    """

    name: str
    click: float
    spread: float = 1.0
    floor: float = 1.0
    rows: float = 1.0
    taste: float = 0.0
    purse: float = 0.0
    spend: float = 10.0
    reward_max: float | None = None

    @property
    def logging(self) -> Floats:
        """Logging policy, shape (segments, ARMS): it likes the first arm best."""
        liked = np.eye(ARMS)[[0, 0]]
        return self.floor / ARMS + (1.0 - self.floor) * liked

    @property
    def target(self) -> Floats:
        """Policy to value, shape (segments, ARMS): the best arm of each segment by clicks, not quite always."""
        liked = np.eye(ARMS)[_APPEAL.argmax(axis=1)]
        return 0.1 / ARMS + 0.9 * liked

    @property
    def weight_max(self) -> float:
        """Largest weight that the floor allows."""
        return float((self.target / self.logging).max())

    def draw(self, users: int, random: np.random.Generator) -> SimulatedLog:
        """Make one log of so many users."""
        likes = 1.0 + self.taste * random.choice([-1.0, 1.0], users)
        visits = np.ones(users, dtype=np.int64)
        if self.rows > 1.0:
            visits = random.geometric(np.minimum(1.0, 1.0 / (self.rows * likes)))
        user = np.repeat(np.arange(users), visits)
        segment = random.integers(_SEGMENTS, size=users)[user]
        chance = self.logging[segment]
        arm = (random.random(user.size)[:, None] > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
        clicked = random.random(user.size) < self.click * _APPEAL[segment, arm] * likes[user]
        rate = np.where(clicked, _AFTER_CLICK, _ORGANIC * self.click)
        converted = random.random(user.size) < rate
        revenue = np.zeros(user.size)
        bought = np.flatnonzero(converted)
        purse = random.normal(0.0, self.purse, users)[user[bought]] if self.purse else np.zeros(bought.size)
        logs = purse + random.normal(0.0, self.spread, bought.size) - (self.spread**2 + self.purse**2) / 2.0
        kept = random.random(bought.size) >= _REFUNDED
        revenue[bought] = np.minimum(self.spend * np.exp(logs), self.reward_max or np.inf) * kept
        sent = ((arm != _HOLD) & (random.random(user.size) >= _BOUNCED)).astype(np.float64)
        reward = {
            "clicked": clicked.astype(np.float64),
            "converted": converted.astype(np.float64),
            "revenue": revenue,
            "cost": _COST[arm] * sent,
            "sent": sent,
        }
        target = self.target[segment]
        weight = np.take_along_axis(target / chance, arm[:, None], axis=1)[:, 0]
        return SimulatedLog(user, segment, arm, weight, target, reward)

    def truth(self, policy: Floats) -> Mapping[str, float]:
        """Mean of each quantity per decision under a policy of shape (segments, ARMS)."""
        # Visits go with taste, so those who click more weigh more: E[likes²] / E[likes].
        keen = 1.0 + self.taste**2 if self.rows > 1.0 else 1.0
        click = self.click * _APPEAL * keen
        bought = click * _AFTER_CLICK + (1.0 - click) * _ORGANIC * self.click
        sent = np.where(np.arange(ARMS) == _HOLD, 0.0, 1.0 - _BOUNCED) * np.ones((_SEGMENTS, 1))
        by_arm = {
            "clicked": click,
            "converted": bought,
            "revenue": bought * self._money() * (1.0 - _REFUNDED),
            "cost": sent * _COST,
            "sent": sent,
        }
        return {name: float((policy * mean).sum(axis=1).mean()) for name, mean in by_arm.items()}

    def _money(self) -> float:
        """Mean of a purchase, min(X, c) for log-normal X cut off at c."""
        if self.reward_max is None:
            return self.spend
        wide = float(np.hypot(self.spread, self.purse))
        at = (np.log(self.reward_max / self.spend) + wide**2 / 2.0) / wide
        return float(self.spend * norm.cdf(at - wide) + self.reward_max * norm.sf(at))
