"""What a shopper, or a segment, needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from generators.needs.channels import ChannelHabit
from generators.needs.hours import HourHabits
from generators.needs.interest import Interest
from generators.needs.price import PriceSensitivity

SCHEMA = "armsreach.needs.v1"


@dataclass(frozen=True, slots=True)
class Needs:
    """Needs as of a moment.

    Attributes:
        kind: `shopper` or `segment`.
        name: The shopper's id as the profile folder knows it, or the segment's name.
        as_of: The present of recency, stages and intent.
        members: Shoppers with events; 1 for a shopper.
        touches: Events; what is done with one thing on one day is one.
        placed: Share of these that belong to a topic: the rest names no known product, or searches for nothing known.
        first: Day of the first event.
        last: Day of the last.
        horizon_days: Of the intent.
        interests: The surest first.
        price: Sensitivity to prices.
        hours: Habits in time.
        channels: Best first; empty without a log of decisions.
        audience: Attribute → values that select a segment in campaigns.
        intent_reason: Key of `data/report.toml` that says why there is no intent; "" where there is.
    """

    kind: str
    name: str
    as_of: datetime
    members: int
    touches: int
    placed: float
    first: date
    last: date
    horizon_days: int
    interests: tuple[Interest, ...]
    price: PriceSensitivity
    hours: HourHabits
    channels: tuple[ChannelHabit, ...]
    audience: Mapping[str, tuple[str | int | float | bool, ...]]
    intent_reason: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object, schema `armsreach.needs.v1`."""
        plain = _plain(self)
        for row, interest in zip(plain["interests"], self.interests, strict=True):
            row["name"], row["key"], row["lift"] = interest.topic.name, interest.topic.key, interest.lift
        return {"schema": SCHEMA, **plain}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
