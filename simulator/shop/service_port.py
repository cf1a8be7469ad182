"""What the loop asks of a delivery service, in process or over the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.core.outcome import Outcome
from engine.service.requests import DecideRequest

__all__ = ["Answer", "ServicePort"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One decision as the shop hears of it.

    Attributes:
        decision_id: To report outcomes with.
        arm: Arm id.
        mode: How it came about.
    """

    decision_id: str
    arm: str
    mode: str


class ServicePort(Protocol):
    """Decides, records and learns."""

    @property
    def snapshots(self) -> int:
        """How many snapshots have served so far."""
        ...

    def decide(self, requests: Sequence[DecideRequest]) -> list[Answer]:
        """Decide for shoppers of one campaign, in order of their times."""
        ...

    def report(self, outcomes: Sequence[Outcome]) -> None:
        """Report outcomes in the order in which they come in."""
        ...

    def learn(self, matured: int) -> None:
        """Let learning catch up.

        Args:
            matured: How many decisions could have been learned by now.
        """
        ...

    def export(self, path: str) -> int:
        """Write the decision log; returns its rows.

        Raises:
            InvalidInput: If it cannot be written there.
        """
        ...

    def close(self) -> None:
        """Let everything go."""
        ...
