"""The shoppers: what is true of them and what a request shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.arm import ChannelId
from engine.core.context import Context
from engine.core.feature import Scalar
from engine.core.schema import Attribute, Schema
from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.shop.scenario import Scenario

__all__ = ["DEVICES", "SEGMENTS", "Population"]

DEVICES = ("mobile", "desktop", "tablet")
SEGMENTS = ("new", "loyal", "bargain")
_YOUNGEST, _OLDEST = 18, 90
_ORGANIC_BY_SEGMENT = np.array([0.6, 1.8, 0.8])
"""Loyal shoppers come back by themselves, which is why gross figures flatter whatever is sent to them."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """All shoppers of a scenario; u of them.

    Attributes:
        tastes: Shape (u, t), standard normal; nobody sees them.
        embeddings: Shape (u, d), float32 of unit norm: a noisy linear view of the taste.
        device: Shape (u,), index into `DEVICES`.
        segment: Shape (u,), index into `SEGMENTS`.
        age: Shape (u,), years.
        consents: Shape (u, channels).
        organic_per_s: Shape (u,), rate of purchases that nobody prompted.
        basket_median: Shape (u,), money.
        activity: Shape (u,), sums to 1: how often each comes.
    """

    tastes: FloatArray
    embeddings: np.ndarray
    device: IntArray
    segment: IntArray
    age: IntArray
    consents: BoolArray
    organic_per_s: FloatArray
    basket_median: FloatArray
    activity: FloatArray

    @classmethod
    def draw(cls, scenario: Scenario, rng: np.random.Generator) -> Population:
        """Draw the shoppers."""
        facts = scenario.shoppers
        u = facts.users
        tastes = rng.standard_normal((u, facts.tastes))
        image = tastes @ rng.standard_normal((facts.tastes, facts.dimension)) / np.sqrt(facts.tastes)
        seen = image + facts.embedding_noise * rng.standard_normal(image.shape)
        segment = rng.choice(len(SEGMENTS), u, p=[0.4, 0.25, 0.35])
        activity = rng.gamma(1.0, 1.0, u)
        return cls(
            tastes=tastes,
            embeddings=(seen / np.linalg.norm(seen, axis=1, keepdims=True)).astype(np.float32),
            device=rng.choice(len(DEVICES), u, p=[0.6, 0.3, 0.1]),
            segment=segment,
            age=np.clip(rng.normal(42, 14, u), _YOUNGEST, _OLDEST).astype(np.int64),
            consents=rng.random((u, len(scenario.channels))) < [channel.consent for channel in scenario.channels],
            organic_per_s=facts.organic_per_day / 86_400 * _ORGANIC_BY_SEGMENT[segment],
            basket_median=facts.basket_median * np.exp(0.3 * rng.standard_normal(u)),
            activity=activity / activity.sum(),
        )

    @staticmethod
    def schema(dimension: int) -> Schema:
        """What a campaign may know of these shoppers."""
        return Schema(
            dimension=dimension,
            attributes={
                "device": Attribute("categorical", vocabulary=DEVICES),
                "segment": Attribute("categorical", vocabulary=SEGMENTS),
                "age": Attribute("number", low=_YOUNGEST, high=_OLDEST),
            },
        )

    @staticmethod
    def name(user: int) -> str:
        """The id under which a shopper asks."""
        return f"shopper-{user:07d}"

    def attributes(self, user: int) -> dict[str, Scalar]:
        """What a request says of a shopper beside the embedding."""
        return {
            "device": DEVICES[self.device[user]],
            "segment": SEGMENTS[self.segment[user]],
            "age": int(self.age[user]),
        }

    def context(self, user: int, consents: frozenset[ChannelId]) -> Context:
        """A shopper as a request shows them, with the consents of that moment."""
        return Context(embedding=self.embeddings[user], attributes=self.attributes(user), consents=consents)
