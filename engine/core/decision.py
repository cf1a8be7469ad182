"""The record of one decision: what was chosen, with which probability, from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np

from engine.core.arm import HOLD, ArmId
from engine.core.context import Context

KEPT_PROBABILITIES = 64
"""Up to this many eligible arms a record keeps every probability; above, the chosen one alone."""


class Mode(StrEnum):
    """How a decision came about; replay values live, control and fallback rows."""

    LIVE = "live"
    CONTROL = "control"
    HOLDOUT = "holdout"
    SHADOW = "shadow"
    FALLBACK = "fallback"
    FORCED = "forced"

    # Members are looked up at every request; the enumeration's own hash is a call in Python.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision as it was made; learners and estimators read the propensity from here only.

    Attributes:
        id: Keyed hash of (campaign, request id); 32 hexadecimal digits.
        campaign: The campaign's id.
        user: The shopper's id as the journal may hold it.
        decided_at: Aware UTC.
        arm: The chosen arm.
        eligible: Arm ids in catalogue order; holds `arm`.
        counts: Shape (len(eligible),), uint32, probabilities in units of 2⁻²⁴ that sum to 2²⁴; None above
            `KEPT_PROBABILITIES` eligible arms.
        chosen_count: The chosen arm's count; the propensity is `chosen_count / 2**24`.
        seed: 63-bit integer of the draw.
        context: What was known of the shopper, as float32 and schema scalars.
        mode: How the decision came about.
        catalogue: Digest of the catalogue that the arms' features stand in.
        snapshot: Version of the model; empty without one.
        policy: Name and parameters of the policy that was drawn from.
        excluded: Arm id → reason, of the arms that rules took away.
        body_digest: Digest of the request's body, by which a re-used request id is told apart; empty without one.
    """

    id: str
    campaign: str
    user: str
    decided_at: datetime
    arm: ArmId
    eligible: tuple[ArmId, ...]
    counts: np.ndarray | None
    chosen_count: int
    seed: int
    context: Context
    mode: Mode
    catalogue: str
    snapshot: str = ""
    policy: str = ""
    excluded: Mapping[ArmId, str] = field(default_factory=dict)
    body_digest: str = ""

    @property
    def propensity(self) -> float:
        """P(arm | context, eligible arms, policy state) of the draw as made; exact in float32."""
        return self.chosen_count / 2**24

    @property
    def probabilities(self) -> list[float | None]:
        """Probabilities in the order of `eligible`; None where one was not kept."""
        if self.counts is not None:
            return [int(count) / 2**24 for count in self.counts]
        return [self.propensity if arm == self.arm else None for arm in self.eligible]

    @property
    def is_send(self) -> bool:
        """Whether anything was to be sent."""
        return self.arm != HOLD
