"""A record as a journal gives it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.core.decision import Decision
from engine.core.outcome import Outcome
from engine.journal.batch_head import BatchHead
from engine.journal.mark import Mark

Record = Decision | Outcome | Mark | BatchHead


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with the moment it was recorded.

    Attributes:
        recorded_at: The chain's clock, in whole microseconds; never falls within a chain. Aware UTC.
        record: What was recorded.
    """

    recorded_at: datetime
    record: Record
