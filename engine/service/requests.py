"""What callers ask of the services, free of any transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.core.arm import ArmId
from engine.core.context import Context
from engine.core.decision import Decision
from engine.core.outcome import Outcome


@dataclass(frozen=True, slots=True)
class DecideRequest:
    """Decide for one shopper.

    Attributes:
        campaign: Campaign id.
        user: The shopper's id.
        context: What is known of the shopper.
        request_id: The same id gives the same decision; empty lets the server make one.
        channels: Channels to narrow to; empty for all.
        slots: Slots to narrow to.
        variants: Variants to narrow to.
        at: The caller's time; believed only under a client clock.
        time_zone: The shopper's IANA zone; empty for the campaign's.
    """

    campaign: str
    user: str
    context: Context
    request_id: str = ""
    channels: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    at: datetime | None = None
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class FallbackReport:
    """The client gave its own safe answer, `hold`, as the server was away."""

    request_id: str
    user: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """Outcomes and safe answers of one campaign."""

    campaign: str
    outcomes: tuple[Outcome, ...] = ()
    fallbacks: tuple[FallbackReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a report."""

    accepted: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One eligible arm in an explanation.

    Attributes:
        arm: Arm id.
        probability: P(arm) of the draw, floor included.
        floor: What the exploration floor alone gives.
        cost: Predicted cost; None without a model.
        contributions: Feature or interaction → its part of the predicted cost, largest first.
    """

    arm: str
    probability: float
    floor: float
    cost: float | None
    contributions: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an arm would be, or was, chosen."""

    mode: str
    snapshot: str
    policy: str
    candidates: tuple[Candidate, ...]
    excluded: Mapping[ArmId, str]
    decision: Decision | None = None
