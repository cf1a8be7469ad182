"""Random campaigns with everything a model can see: embeddings, attributes, offers, copy embeddings, hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.catalogue import Catalogue
from engine.core.feature import Feature
from engine.core.learning import LearningEvent
from engine.core.placement import Channel, Slot
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant


@dataclass(frozen=True)
class RandomCampaign:
    """A schema, a catalogue and decisions in it, all from one seed."""

    schema: Schema
    arms: list[tuple[Feature, ...]]
    rng: np.random.Generator

    @classmethod
    def draw(cls, seed: int) -> RandomCampaign:
        rng = np.random.default_rng(seed)
        attributes = {
            "tier": Attribute("categorical", ("gold", "plain tin", "wood|x:1")),
            "city": Attribute("hashed", buckets=int(rng.integers(1, 6))),
            "age": Attribute("number", low=0.0, high=100.0),
            "member": Attribute("boolean"),
        }
        schema = Schema(int(rng.integers(0, 7)), attributes if rng.random() < 0.8 else {})
        channels = tuple(Channel(ChannelId(c)) for c in ("email", "push", "sms")[: rng.integers(1, 4)])
        slots = tuple(
            Slot(SlotId(s), features={"hour": float(h)}) for s, h in (("am", 0.3), ("pm", 0.7))[: rng.integers(1, 3)]
        )
        variants = tuple(_variant(rng, i, channels) for i in range(int(rng.integers(1, 8))))
        return cls(schema, Catalogue(variants, channels, slots).features(), rng)

    def row(self) -> np.ndarray:
        values = {
            "tier": str(self.rng.choice(["gold", "plain tin", "unknown"])),
            "city": f"city{self.rng.integers(9)}",
            "age": float(self.rng.uniform(0, 100)),
            "member": bool(self.rng.random() < 0.5),
        }
        known = {
            name: value for name, value in values.items() if name in self.schema.attributes and self.rng.random() < 0.8
        }
        return self.schema.encode(self.rng.normal(size=self.schema.dimension), known)

    def event(self) -> LearningEvent:
        size = int(self.rng.integers(1, min(6, len(self.arms)) + 1))
        eligible = self.rng.choice(len(self.arms), size=size, replace=False)
        cost = float(self.rng.random() < 0.3) if self.rng.random() < 0.7 else float(self.rng.normal())
        return LearningEvent(
            self.row(),
            [self.arms[i] for i in eligible],
            int(self.rng.integers(size)),
            cost,
            float(self.rng.uniform(0.05, 1.0)),
        )

    def events(self, count: int) -> list[LearningEvent]:
        return [self.event() for _ in range(count)]


def _variant(rng: np.random.Generator, i: int, channels: tuple[Channel, ...]) -> Variant:
    sizes = {"dimension": int(rng.integers(0, 5))}
    return Variant(
        VariantId(f"v{i}"),
        channels={c.id: {"body": "x"} for c in channels if rng.random() < 0.7},
        category=f"Hair & Care {rng.integers(3)}",
        price_band=str(rng.choice(["low", ""])),
        offer={"kind": str(rng.choice(["percent", "gift"])), "percent": float(rng.uniform(0, 50)), "ends": bool(i % 2)},
        features={"tone": f"t{rng.integers(2)}", "emoji": bool(rng.random() < 0.5)},
        embedding=tuple(rng.normal(size=sizes["dimension"]).tolist()),
    )


@pytest.fixture
def draw_campaign() -> Callable[[int], RandomCampaign]:
    return RandomCampaign.draw
