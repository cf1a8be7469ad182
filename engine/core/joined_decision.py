"""A decision with the outcomes that are credited to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal

from engine.core.decision import Decision
from engine.core.join_trail import PlacedT
from engine.core.outcome import Outcome

Attribution = Literal["last", "all"]
"""Which decisions a user-keyed outcome is credited to: the latest that covers it, or each of them."""


@dataclass(frozen=True, slots=True)
class Credit:
    """One outcome as it counts for one decision.

    Attributes:
        outcome: The outcome; its value is 0 where the money counts for another decision.
        attribution: `id` where the reporter named the decision, else the rule that found it.
    """

    outcome: Outcome
    attribution: Literal["id", "last", "all"]


@dataclass(frozen=True, slots=True)
class JoinedDecision(Generic[PlacedT]):
    """A decision whose training horizon has passed.

    Attributes:
        place: Where it stands in the journal.
        decision: The record of the decision.
        credits: What is credited to it, in the journal's order.
        matured_at: When its horizon had passed on the journal's clock; nothing recorded later counts for training.
    """

    place: PlacedT
    decision: Decision
    credits: tuple[Credit, ...]
    matured_at: datetime

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The credited outcomes, in the journal's order."""
        return tuple(credit.outcome for credit in self.credits)
