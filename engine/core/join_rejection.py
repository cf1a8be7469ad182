"""A record that the join sets aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

from engine.core.decision import Decision
from engine.core.join_trail import PlacedT
from engine.core.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Rejection(Generic[PlacedT]):
    """A record that cannot be joined.

    Attributes:
        place: Where it stands in the journal.
        record: The record.
        reason: What was expected and what came.
    """

    place: PlacedT
    record: Decision | Outcome
    reason: str
