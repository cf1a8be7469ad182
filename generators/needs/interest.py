"""One interest, and what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from generators.needs.stage import Stage
from generators.needs.topic import Topic
from generators.needs.trend import Trend


@dataclass(frozen=True, slots=True)
class Evidence:
    """Some events that say the same.

    Attributes:
        type: `view`, `search`, `cart` or `purchase`.
        item: The heaviest product's id; "" for searches.
        title: As the catalogue has it; "" for searches.
        times: How often.
        last: Day of the last one.
        products: How many products of this title; 0 for searches.
        shoppers: How many did it.
        query: What was searched for; None unless all evidence was asked for, as it may be personal.
    """

    type: str
    item: str
    title: str
    times: int
    last: date
    products: int = 1
    shoppers: int = 1
    query: str | None = None


@dataclass(frozen=True, slots=True)
class Interest:
    """What a shopper, or a segment, cares for.

    Attributes:
        topic: What it is about.
        share: Of all touches by recency and type, shrunk; of a segment, the members' mean.
        low: 5 % quantile.
        high: 95 % quantile.
        base: The shop's share.
        confidence: P(share > base | the events), in [0, 1].
        touches: Events that speak for it; what is done with one thing on one day is one.
        trend: Recent against earlier.
        stage: How far a shopper is; None for a segment.
        stages: Of a segment, stage → how many members; empty for a shopper.
        intent: P(a purchase in it within the horizon); of a segment, the mean over members who touched it. None if
            the shop's past does not say.
        evidence: The strongest first.
    """

    topic: Topic
    share: float
    low: float
    high: float
    base: float
    confidence: float
    touches: int
    trend: Trend
    stage: Stage | None
    stages: Mapping[str, int]
    intent: float | None
    evidence: tuple[Evidence, ...]

    @property
    def lift(self) -> float:
        """Share over the shop's share."""
        return self.share / self.base
