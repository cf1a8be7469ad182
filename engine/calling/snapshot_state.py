"""Published snapshots and shares, as the client returns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """One published snapshot.

    Attributes:
        version: Its name.
        parent: The champion before it; empty for the first.
        campaign: Campaign id.
        created_at: Aware UTC.
        t: Learned decisions behind it.
        champion: Whether it is the one to serve.
        serving: Whether the asked server decides by it now.
        manifest: All that was recorded with it.
    """

    version: str
    parent: str
    campaign: str
    created_at: datetime
    t: int
    champion: bool
    serving: bool
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ShareState:
    """Shares of a campaign's users; they sum to 1.

    Attributes:
        campaign: Campaign id.
        champion: Get the learned policy.
        control: Get uniform choices among those outside the holdout.
        holdout: Get nothing.
    """

    campaign: str
    champion: float
    control: float
    holdout: float
