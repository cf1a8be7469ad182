"""Decide for many shoppers at once, without an id for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.core.context_columns import ContextColumns

MAX_ROWS = 100_000
"""Shoppers in one batch, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class BatchRequest:
    """n shoppers of one campaign.

    Attributes:
        campaign: Campaign id.
        users: n user ids.
        contexts: What is known of them.
        request_id: The same id gives the same decisions; empty for a batch that will not be sent again.
        digest: 12 bytes: what tells two batches under one id apart.
        channels: Channels to narrow to; empty for all.
        slots: Slots to narrow to.
        variants: Variants to narrow to.
        at: The caller's time; believed only under a client clock.
        time_zones: One for all shoppers, or n.
    """

    campaign: str
    users: Sequence[str]
    contexts: ContextColumns
    request_id: str = ""
    digest: bytes = bytes(12)
    channels: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    at: datetime | None = None
    time_zones: Sequence[str] = ("",)

    def __len__(self) -> int:
        return len(self.users)
