"""The facts of a shop: who comes, what is sent, over which channels, when."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.core.errors import ConfigError

__all__ = ["ChannelFacts", "CopyFacts", "ShopperFacts", "SlotFacts", "require_share", "require_within"]


def require_within(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside of [low, high].

    Raises:
        ConfigError: Naming the field.
    """
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"expected a number from {low:g} to {high:g}, got {value}", field=name)


def require_share(name: str, value: float) -> None:
    """Refuse what is no share.

    Raises:
        ConfigError: Naming the field.
    """
    require_within(name, value, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class ShopperFacts:
    """Who comes to the shop.

    Attributes:
        users: How many shoppers there are; most come several times.
        dimension: Of the embedding that a request carries.
        tastes: Dimension of the true taste behind it.
        embedding_noise: Size of the embedding's error against the taste's image, as a ratio of norms.
        organic_per_day: Purchases that nobody prompted, per shopper and day.
        basket_median: Median basket, money.
        basket_sigma: Spread of its logarithm.
        basket_cap: Largest basket.
    """

    users: int = 4000
    dimension: int = 16
    tastes: int = 6
    embedding_noise: float = 0.4
    organic_per_day: float = 0.004
    basket_median: float = 35.0
    basket_sigma: float = 0.6
    basket_cap: float = 200.0

    def __post_init__(self) -> None:
        require_within("users", self.users, 1, 10_000_000)
        require_within("tastes", self.tastes, 1, 64)
        require_within("dimension", self.dimension, self.tastes, 1024)
        require_within("embedding_noise", self.embedding_noise, 0.0, 100.0)
        require_within("organic_per_day", self.organic_per_day, 0.0, 10.0)
        require_within("basket_median", self.basket_median, 0.01, 1e6)
        require_within("basket_sigma", self.basket_sigma, 0.01, 3.0)
        require_within("basket_cap", self.basket_cap, self.basket_median, 1e7)


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What can be sent.

    Attributes:
        file: A variants file to take instead, as `python -m generators copy` writes it; drafts are left out.
        variants: How many variants to make up otherwise.
        categories: Over how many product categories.
        dimension: Of the made-up copy embeddings.
    """

    file: str = ""
    variants: int = 8
    categories: int = 4
    dimension: int = 16

    def __post_init__(self) -> None:
        require_within("variants", self.variants, 1, 10_000)
        require_within("categories", self.categories, 1, 1000)
        require_within("dimension", self.dimension, 1, 1024)


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """One channel.

    Attributes:
        id: For instance `email`.
        consent: Share of shoppers who agreed to it.
        cost: Money per message sent.
        bounce: Share of messages that are not delivered.
        unsubscribe: Share of delivered messages that end the consent.
        effect: What it adds to the log-odds of a click.
    """

    id: str
    consent: float = 1.0
    cost: float = 0.0
    bounce: float = 0.0
    unsubscribe: float = 0.0
    effect: float = 0.0

    def __post_init__(self) -> None:
        for name in ("consent", "bounce", "unsubscribe"):
            require_share(name, getattr(self, name))
        require_within("cost", self.cost, 0.0, 1e6)
        require_within("effect", self.effect, -20.0, 20.0)


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """One time slot.

    Attributes:
        id: For instance `evening`.
        delay_s: The longest time between decision and send.
        effect: What it adds to the log-odds of a click.
    """

    id: str
    delay_s: float = 0.0
    effect: float = 0.0

    def __post_init__(self) -> None:
        require_within("delay_s", self.delay_s, 0.0, 30 * 86_400.0)
        require_within("effect", self.effect, -20.0, 20.0)
