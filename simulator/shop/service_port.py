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
        snapshot: Version of the model; empty without one.
    """

    decision_id: str
    arm: str
    mode: str
    snapshot: str


class ServicePort(Protocol):
    """Decides, records and learns."""

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
        """Write the decision log; returns its rows."""
        ...

    def close(self) -> None:
        """Let everything go."""
        ...
