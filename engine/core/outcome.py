"""Anything that happened after a decision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.core.errors import InvalidInput


class OutcomeType(StrEnum):
    """The outcomes that metrics and objectives know."""

    CLICK = "click"
    PURCHASE = "purchase"
    REFUND = "refund"
    COST = "cost"
    UNSUBSCRIBE = "unsubscribe"
    NOT_SENT = "not_sent"
    COMMENT = "comment"


MONEY = frozenset({OutcomeType.PURCHASE, OutcomeType.REFUND, OutcomeType.COST})
"""Types whose value is money, ≥ 0; refund and cost are subtracted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome, keyed by a decision or by a user and a time.

    Attributes:
        id: The reporter's id; a second report with it changes nothing.
        campaign: The campaign's id.
        type: What happened.
        at: When it happened; aware UTC.
        value: Money for purchase, refund and cost; the mood of a comment, -1 to 1; 1 else.
        decision_id: The decision it follows, or empty where only the user is known.
        user: The shopper, where no decision id is known.
        reason: Why a message was not sent; empty for other types.
    """

    id: str
    campaign: str
    type: OutcomeType
    at: datetime
    value: float = 1.0
    decision_id: str = ""
    user: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.id:
            raise InvalidInput("expected an id of the reporter's own, so that retries count once", field="outcome_id")
        if not self.decision_id and not self.user:
            raise InvalidInput("expected a decision_id, or a user with a time", field="decision_id")
        if not math.isfinite(self.value) or (self.type in MONEY and self.value < 0):
            raise InvalidInput(
                f"expected a finite {'amount ≥ 0' if self.type in MONEY else 'number'}, got {self.value!r}",
                field="value",
            )
        if self.type is OutcomeType.COMMENT and not -1.0 <= self.value <= 1.0:
            raise InvalidInput(f"expected a comment's mood from -1 to 1, got {self.value!r}", field="value")
