"""Where and when a variant is sent: channels and slots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.arm import ChannelId, SlotId, checked_part
from engine.core.budget import checked_quantity
from engine.core.errors import InvalidInput
from engine.core.feature import Feature, Scalar, scalar_features
from engine.core.local_hours import LocalHours


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a shopper.

    Attributes:
        id: For instance `email`.
        needs_consent: Whether the shopper must have agreed to it.
        features: Flat facts, namespace C.
        cost_minor: What one send costs, in minor currency units; it is taken from the campaign's budget.
    """

    id: ChannelId
    needs_consent: bool = False
    features: Mapping[str, Scalar] = field(default_factory=dict)
    cost_minor: int = 0

    def __post_init__(self) -> None:
        checked_part(self.id, "channel.id")
        checked_quantity(self.cost_minor, f"channel {self.id}.cost_minor")

    def arm_features(self) -> tuple[Feature, ...]:
        """Features of namespace C."""
        return scalar_features("C", {"id": str(self.id), **self.features})


@dataclass(frozen=True, slots=True)
class Slot:
    """A time slot for sending.

    Attributes:
        id: For instance `evening`.
        delay_s: The longest time between the decision and the send, in seconds.
        features: Flat facts, namespace S.
        from_time: Where the slot has hours, their first minute by the shopper's own clock, "HH:MM"; then a send waits
            for the first moment within them, and the arm is excluded where that would take longer than `delay_s`.
        to_time: First minute after the hours; at or before `from_time`, they cross midnight. Hours are a rule and no
            feature: they do not change what a model sees.
    """

    id: SlotId
    delay_s: float = 0.0
    features: Mapping[str, Scalar] = field(default_factory=dict)
    from_time: str = ""
    to_time: str = ""

    def __post_init__(self) -> None:
        checked_part(self.id, "slot.id")
        _ = self.hours
        if not 0.0 <= self.delay_s < float("inf"):
            raise InvalidInput(f"expected seconds ≥ 0, got {self.delay_s}", field=f"slot {self.id}.delay_s")

    @property
    def hours(self) -> LocalHours | None:
        """The slot's part of the local day; None for the whole of it.

        Raises:
            InvalidInput: If a time is missing or cannot be read.
        """
        if not self.from_time and not self.to_time:
            return None
        return LocalHours.parse(self.from_time, self.to_time, f"slot {self.id}")

    def arm_features(self) -> tuple[Feature, ...]:
        """Features of namespace S."""
        return scalar_features("S", {"id": str(self.id), **self.features})
