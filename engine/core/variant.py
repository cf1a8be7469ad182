"""A variant: one piece of generated copy, ready for its channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from engine.core.arm import ChannelId, VariantId, checked_part
from engine.core.budget import checked_quantity
from engine.core.errors import InvalidInput
from engine.core.feature import ARM_SIDE, LARGEST, Feature, Scalar, scalar_features


class VariantState(StrEnum):
    """What people decided about a variant; only `approved` ones are sent."""

    DRAFT = "draft"
    APPROVED = "approved"
    PAUSED = "paused"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Variant:
    """One piece of copy and what a model may know of it before its first impression.

    Attributes:
        id: Unique in the campaign.
        state: Whether it may be sent.
        channels: The finished strings per channel, for instance `{"push": {"title": …, "body": …}}`.
            A variant can be sent only on the channels that stand here.
        category: Product category.
        price_band: Coarse price level.
        offer: Flat facts of the offer, namespace O.
        features: Other flat facts such as tone, namespace V.
        embedding: Copy embedding, namespace E; may be empty.
        embedding_model: What made the embedding; vectors of different models are not comparable.
        audience: Attribute → values for which the variant is meant; empty means everybody.
        language: Language of the copy.
        provenance: Brief, model, prompt, seed and checks that made the copy.
        stock: How many sends of it there may be in all; None for no limit.
        stock_chunk: How many of them a worker takes at a time; 0 lets the engine choose.
    """

    id: VariantId
    state: VariantState = VariantState.DRAFT
    channels: Mapping[ChannelId, Mapping[str, str]] = field(default_factory=dict)
    category: str = ""
    price_band: str = ""
    offer: Mapping[str, Scalar] = field(default_factory=dict)
    features: Mapping[str, Scalar] = field(default_factory=dict)
    embedding: tuple[float, ...] = ()
    embedding_model: str = ""
    audience: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    language: str = ""
    provenance: Mapping[str, object] = field(default_factory=dict)
    stock: int | None = None
    stock_chunk: int = 0

    def __post_init__(self) -> None:
        checked_part(self.id, "variant.id")
        checked_quantity(self.stock or 0, f"variant {self.id}.stock")
        checked_quantity(self.stock_chunk, f"variant {self.id}.stock_chunk")
        for channel in self.channels:
            checked_part(channel, f"variant {self.id}.channels")
        if not all(abs(value) <= LARGEST for value in self.embedding):
            raise InvalidInput(
                f"expected finite numbers from {-LARGEST:g} to {LARGEST:g}; re-embed the copy",
                field=f"variant {self.id}.embedding",
            )
        for name, values in (("offer", self.offer), ("features", self.features)):
            if any(not isinstance(v, str) and not abs(v) <= LARGEST for v in values.values()):
                raise InvalidInput(
                    f"expected finite numbers from {-LARGEST:g} to {LARGEST:g}", field=f"variant {self.id}.{name}"
                )

    def arm_features(self, namespaces: str = ARM_SIDE, *, with_id: bool = True) -> tuple[Feature, ...]:
        """Features of namespaces V, O and E that every arm with this variant shares.

        Args:
            namespaces: Which namespaces the campaign's model uses.
            with_id: Whether the variant's own id is a feature, so that what its facts do not explain can be learned.
        """
        result: list[Feature] = []
        if "V" in namespaces:
            facts = {"category": self.category, "price_band": self.price_band, **self.features}
            known = {name: value for name, value in facts.items() if value != ""}
            result += scalar_features("V", {"id": str(self.id), **known} if with_id else known)
        if "O" in namespaces:
            result += scalar_features("O", self.offer)
        if "E" in namespaces:
            result += (Feature("E", f"e{i}", float(v)) for i, v in enumerate(self.embedding) if v)
        return tuple(result)
