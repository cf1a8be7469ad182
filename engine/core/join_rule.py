"""When an outcome belongs to a decision: one rule for every arm, in training and in exported logs alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.core.decision import Decision, Mode
from engine.core.errors import InvalidInput
from engine.core.joined_decision import Attribution, Credit
from engine.core.outcome import MONEY, Outcome, OutcomeType


@dataclass(frozen=True, slots=True)
class JoinRule:
    """Horizons and attribution of a campaign.

    Attributes:
        horizons: Outcome type → how long after `decided_at` it still counts; the same for all arms, `hold` included.
        attribution: What happens to an outcome that names a user but no decision.
    """

    horizons: Mapping[OutcomeType, timedelta]
    attribution: Attribution = "last"

    def __post_init__(self) -> None:
        missing = [kind for kind in OutcomeType if kind not in self.horizons]
        if missing:
            raise InvalidInput(f"expected a horizon for every outcome type; missing: {', '.join(missing)}")
        for kind, horizon in self.horizons.items():
            if horizon <= timedelta(0):
                raise InvalidInput(f"expected a time above 0, got {horizon}", field=f"horizons.{kind}")

    @property
    def longest(self) -> timedelta:
        """The longest horizon of any outcome type."""
        return max(self.horizons.values())

    def covers(self, decided_at: datetime, outcome: Outcome) -> bool:
        """Whether the outcome happened from the decision on, within the horizon of its type."""
        return decided_at <= outcome.at <= decided_at + self.horizons[outcome.type]

    def credit(self, outcome: Outcome, *, latest: bool, paid: bool) -> Credit | None:
        """What a user-keyed outcome counts for one of the decisions that cover it.

        Args:
            outcome: The outcome.
            latest: Whether the decision is the user's latest that covers it.
            paid: Whether another decision already counts the outcome.

        Returns:
            The credit, or None where the rule gives this decision nothing. Under `all` a second purchase still marks
            the decision as converted, but its money is 0, as money counts once.
        """
        if self.attribution == "last":
            return Credit(outcome, "last") if latest and not paid else None
        if outcome.type in MONEY and (paid or not latest):
            return Credit(replace(outcome, value=0.0), "all")
        return Credit(outcome, "all")


def claims_by_user(decision: Decision) -> bool:
    """Whether user-keyed outcomes can be credited to it.

    Every mode can but shadow, which was never acted on; and nobody can be found again who was decided for anonymously.
    """
    return bool(decision.user) and decision.mode is not Mode.SHADOW
