"""A campaign: everything that people set, before anything is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from engine.core.arm import HOLD, checked_part
from engine.core.budget import Budget
from engine.core.catalogue import Catalogue
from engine.core.errors import ConfigError
from engine.core.exploration.options import ExplorationOptions
from engine.core.feature import Scalar
from engine.core.frequency_cap import FrequencyCap, checked_caps
from engine.core.learning import DEFAULT_INTERACTIONS, WITHOUT_EMBEDDING, LearningOptions
from engine.core.objective import Objective
from engine.core.outcome import OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.quiet_hours import QuietHours
from engine.core.schema import Schema
from engine.core.time_zone import time_zone
from engine.core.variant import Variant

DAY_S = 86_400.0

_WINDOWS_S = {
    OutcomeType.CLICK: DAY_S,
    OutcomeType.UNSUBSCRIBE: 7 * DAY_S,
    OutcomeType.PURCHASE: 7 * DAY_S,
    OutcomeType.REFUND: 7 * DAY_S,
    OutcomeType.COST: 7 * DAY_S,
    OutcomeType.NOT_SENT: 7 * DAY_S,
}


@dataclass(frozen=True, slots=True)
class Shares:
    """Hashed shares of users that do not get the learned policy.

    Attributes:
        holdout: Permanent users who get nothing, to see what the whole programme adds.
        control: Users served uniformly over their eligible arms, to see what learning adds.
        rotation: Changing it draws the holdout anew.
    """

    holdout: float = 0.0
    control: float = 0.05
    rotation: str = "0"

    def __post_init__(self) -> None:
        for name, share in (("holdout", self.holdout), ("control", self.control)):
            if not 0.0 <= share < 1.0:
                raise ConfigError(f"expected a share from 0, below 1, got {share}", field=f"shares.{name}")


@dataclass(frozen=True, slots=True)
class Publishing:
    """When the learner publishes a snapshot.

    Attributes:
        every_decisions: After this many learned decisions.
        keep: How many snapshots stay on disk.
    """

    every_decisions: int = 500
    keep: int = 20

    def __post_init__(self) -> None:
        if self.every_decisions < 1:
            raise ConfigError(f"expected at least 1, got {self.every_decisions}", field="publishing.every_decisions")
        if self.keep < 2:
            raise ConfigError(f"expected at least 2, for a roll-back, got {self.keep}", field="publishing.keep")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign.

    Attributes:
        id: Unique; stands in requests and logs.
        schema: What is known of a shopper.
        channels: Ways to reach shoppers.
        slots: When to send.
        variants: The copy.
        objective: What the campaign wants.
        exploration: How it explores.
        learning: How its model learns; without an embedding, attributes take its place in the default interactions.
        windows_s: Outcome type → how long after the latest possible send it still counts, in seconds; a comment counts
            as long as the longest of the others, unless it has a window of its own.
        attribution: Which decision a user-keyed outcome is credited to: the `last` one, or `all` (money counts once).
        shares: Holdout and control.
        publishing: When snapshots are published.
        audience: Attribute → values that the whole campaign is for; empty means everybody.
        starts_at: Before it, only `hold` is eligible.
        ends_at: From then on, only `hold` is eligible.
        paused: Only `hold` is eligible.
        variant_ids: Whether a variant's id is a feature beside its facts.
        quiet_hours: When shoppers are left alone, by their own clock.
        time_zone: IANA zone of shoppers whose request names none.
        budget: What its sends may cost in all; None for no limit.
        caps: How often one shopper may be sent something by this campaign.
    """

    id: str
    channels: tuple[Channel, ...]
    slots: tuple[Slot, ...]
    schema: Schema = field(default_factory=Schema)
    variants: tuple[Variant, ...] = ()
    objective: Objective = field(default_factory=Objective)
    exploration: ExplorationOptions = field(default_factory=ExplorationOptions)
    learning: LearningOptions = field(default_factory=LearningOptions)
    windows_s: Mapping[OutcomeType, float] = field(default_factory=dict)
    attribution: Literal["last", "all"] = "last"
    shares: Shares = field(default_factory=Shares)
    publishing: Publishing = field(default_factory=Publishing)
    audience: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    paused: bool = False
    variant_ids: bool = True
    quiet_hours: tuple[QuietHours, ...] = ()
    time_zone: str = "UTC"
    budget: Budget | None = None
    caps: tuple[FrequencyCap, ...] = ()
    _catalogue: Catalogue = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        checked_part(self.id, "campaign.id")
        if not self.schema.dimension and self.learning.interactions == DEFAULT_INTERACTIONS:
            object.__setattr__(self, "learning", replace(self.learning, interactions=WITHOUT_EMBEDDING))
        if not self.channels or not self.slots:
            raise ConfigError("expected at least one channel and one slot", field="channels" if self.slots else "slots")
        for kind, window in self.windows_s.items():
            if not 0.0 < window < float("inf"):
                raise ConfigError(f"expected seconds above 0, got {window}", field=f"windows_s.{kind}")
        for name in (*self.audience, *(a for v in self.variants for a in v.audience)):
            if name not in self.schema.attributes:
                raise ConfigError(f"{name!r} is not an attribute of the schema", field="audience")
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ConfigError("expected a time after starts_at", field="ends_at")
        for i, quiet in enumerate(self.quiet_hours):
            if unknown := set(quiet.channels) - {channel.id for channel in self.channels}:
                raise ConfigError(f"{min(unknown)!r} is not a channel of the campaign", field=f"quiet_hours[{i}]")
        checked_caps(self.caps, [channel.id for channel in self.channels])
        time_zone(self.time_zone)
        catalogue = Catalogue(self.variants, self.channels, self.slots, with_variant_id=self.variant_ids)
        object.__setattr__(self, "_catalogue", catalogue)
        dearest = max(channel.cost_minor for channel in self.channels)
        if self.budget is not None and 0 < self.budget.chunk_minor < dearest:
            raise ConfigError(
                f"expected at least {dearest}, the dearest channel's cost_minor, got {self.budget.chunk_minor};"
                " a worker pays a send from one chunk",
                field="budget.chunk_minor",
            )
        self.exploration.explorer({str(arm): i for i, arm in enumerate((HOLD, *catalogue.ids[1:]))})

    def catalogue(self) -> Catalogue:
        """The campaign's arms, in their fixed order; derived once, as ten thousand of them take a while."""
        return self._catalogue

    @property
    def keeps_hours(self) -> bool:
        """Whether anything depends on the shopper's own clock."""
        return bool(self.quiet_hours) or any(slot.hours is not None for slot in self.slots)

    def horizon_s(self, kind: OutcomeType) -> float:
        """How long after the decision an outcome of this type counts: the longest slot delay plus its window.

        It is the same for every arm, `hold` included, or arms would be measured over different times.
        """
        return max(slot.delay_s for slot in self.slots) + self._window_s(kind)

    def _window_s(self, kind: OutcomeType) -> float:
        if kind in self.windows_s:
            return self.windows_s[kind]
        if kind is OutcomeType.COMMENT:
            return max(self.windows_s.get(other, window) for other, window in _WINDOWS_S.items())
        return _WINDOWS_S[kind]

    @property
    def training_horizon_s(self) -> float:
        """How long learning waits for every decision: the longest horizon among the objective's outcomes."""
        kinds = {OutcomeType.PURCHASE if term == "conversion" else OutcomeType(term) for term in self.objective.weights}
        return max(self.horizon_s(kind) for kind in kinds)

    def with_variants(self, variants: tuple[Variant, ...]) -> Campaign:
        """The same campaign with other variants."""
        return replace(self, variants=variants)
