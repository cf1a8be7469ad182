"""Nothing is sent outside a campaign's dates."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from engine.core.rules.rule import Inquiry


class CampaignDates:
    """Excludes every send before the campaign starts, once it has ended, and while it is paused."""

    reasons = ("campaign_not_started", "campaign_ended", "campaign_paused")

    def __init__(self, arms: int, starts_at: datetime | None, ends_at: datetime | None, *, paused: bool) -> None:
        self._starts_at = starts_at
        self._ends_at = ends_at
        self._paused = paused
        self._all = [np.full(arms, code, dtype=np.uint8) for code in (1, 2, 3)]

    def key(self, inquiry: Inquiry) -> int:
        """See `Rule`: the code, 0 while the campaign runs."""
        if self._starts_at is not None and inquiry.at < self._starts_at:
            return 1
        if self._ends_at is not None and inquiry.at >= self._ends_at:
            return 2
        return 3 if self._paused else 0

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:
        """See `Rule`."""
        code = self.key(inquiry)
        return self._all[code - 1] if code else None
