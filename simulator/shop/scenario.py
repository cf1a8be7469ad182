"""A scenario: everything a simulated shop is made of, as a TOML file may set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.campaign import Publishing, Shares
from engine.core.errors import ConfigError
from engine.core.exploration.options import ExplorationOptions
from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.outcome import OutcomeType
from simulator.shop.reporting import Reporting
from simulator.shop.response import Response
from simulator.shop.selling import ChannelFacts, CopyFacts, ShopperFacts, SlotFacts

__all__ = ["Scenario"]

_HOUR_S = 3600.0


def _channels() -> tuple[ChannelFacts, ...]:
    return (
        ChannelFacts("email", consent=0.95, cost=0.002, bounce=0.02, unsubscribe=0.001, effect=0.0),
        ChannelFacts("push", consent=0.6, cost=0.001, bounce=0.05, unsubscribe=0.002, effect=0.3),
        ChannelFacts("sms", consent=0.35, cost=0.04, bounce=0.01, unsubscribe=0.004, effect=0.5),
    )


def _slots() -> tuple[SlotFacts, ...]:
    return (SlotFacts("now"), SlotFacts("evening", delay_s=6 * _HOUR_S, effect=0.2))


def _windows() -> dict[OutcomeType, float]:
    return {kind: (12 if kind is OutcomeType.CLICK else 48) * _HOUR_S for kind in OutcomeType}


@dataclass(frozen=True, slots=True)
class Scenario:
    """A shop, its shoppers and the campaign that is run on them.

    Attributes:
        name: The campaign's id, too.
        decisions: How many decisions are asked for.
        days: Over how much simulated time; with the horizon it says how stale the model is.
        batch: Decisions asked for at once; outcomes due meanwhile are reported before the next batch.
        shoppers: Who comes.
        copy: What can be sent.
        channels: Ways to reach them.
        slots: When to send.
        response: How they react.
        reporting: When and how well reactions are reported.
        objective: What the campaign wants.
        exploration: How it explores.
        learning: How its model learns.
        windows_s: Outcome type → how long after the latest possible send it counts.
        shares: Holdout and control.
        publishing: When snapshots are published.
        variant_ids: Whether a variant's id is a feature beside its facts.
    """

    name: str = "promo"
    decisions: int = 20_000
    days: float = 20.0
    batch: int = 64
    shoppers: ShopperFacts = field(default_factory=ShopperFacts)
    copy: CopyFacts = field(default_factory=CopyFacts)
    channels: tuple[ChannelFacts, ...] = field(default_factory=_channels)
    slots: tuple[SlotFacts, ...] = field(default_factory=_slots)
    response: Response = field(default_factory=Response)
    reporting: Reporting = field(default_factory=Reporting)
    objective: Objective = field(default_factory=Objective)
    exploration: ExplorationOptions = field(default_factory=ExplorationOptions)
    learning: LearningOptions = field(default_factory=LearningOptions)
    windows_s: Mapping[OutcomeType, float] = field(default_factory=_windows)
    shares: Shares = field(default_factory=lambda: Shares(control=0.1))
    publishing: Publishing = field(default_factory=Publishing)
    variant_ids: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.decisions <= 10_000_000:
            raise ConfigError(f"expected 1 to 10,000,000, got {self.decisions}", field="decisions")
        if not 0.0 < self.days <= 3650.0:
            raise ConfigError(f"expected days above 0, up to 3650, got {self.days}", field="days")
        if not 1 <= self.batch <= 4096:
            raise ConfigError(f"expected 1 to 4096, got {self.batch}", field="batch")
        for name, parts in (("channels", self.channels), ("slots", self.slots)):
            if not parts:
                raise ConfigError("expected at least one", field=name)
