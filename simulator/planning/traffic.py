"""How fast a log grew, in decisions and in users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.clusters import Clusters
from simulator.log import NO_TIME, Log
from simulator.planning.spread import Spread

__all__ = ["Traffic"]

_DAY_US = 86_400_000_000
_BATCH = 1000
_SLOWED = 0.8
_SURE = 3.0
_FOREVER = 1e6


@dataclass(frozen=True, slots=True)
class Traffic:
    """Decisions and new users per unit of traffic: a day, or 1,000 decisions where the log has no times.

    Where markedly fewer users were new in the later half of the time than in the earlier (a base of customers that has
    been seen), the later half's rate of new users is taken; the rest of the decisions come from users seen before.

    Attributes:
        unit: "day" or "1,000 decisions".
        span: How many units the log covers.
        decisions: Per unit.
        users: New users per unit, as they come now.
        seen: Users so far.
        slowed: Whether new users became markedly fewer.
    """

    unit: str
    span: float
    decisions: float
    users: float
    seen: float
    slowed: bool

    @classmethod
    def of(cls, log: Log, clusters: Clusters) -> Traffic:
        """Measure a log with at least one decision.

        Args:
            log: The decisions.
            clusters: Their users.
        """
        seen, timed = float(clusters.multiplicity.sum()), bool((log.decided_at != NO_TIME).all())
        span = float(log.decided_at.max() - log.decided_at.min()) / _DAY_US if timed else 0.0
        if span <= 0.0:
            span = log.decisions / _BATCH
            return cls("1,000 decisions", span, float(_BATCH), seen / span, seen, False)
        first = np.full(clusters.size, np.iinfo(np.int64).max)
        np.minimum.at(first, clusters.unit, log.decided_at)
        late = first > log.decided_at.min() + span * _DAY_US / 2
        later = float(clusters.multiplicity @ late)
        earlier = seen - later
        slowed = later < _SLOWED * earlier and (earlier - later) > _SURE * seen**0.5
        users = later / (span / 2) if slowed else seen / span
        return cls("day", span, log.decisions / span, users, seen, slowed)

    def growth(self, units: float, spread: Spread) -> float:
        """Say how many times larger an effective size will be after so many more units."""
        return spread.growth(1.0 + units / self.span, 1.0 + units * self.users / self.seen)

    def units(self, factor: float, spread: Spread) -> float | None:
        """Say after how many more units an effective size is `factor` times as large; None when it never is."""
        if factor <= 1.0:
            return 0.0
        low, high = 0.0, self.span
        while self.growth(high, spread) < factor:
            low, high = high, 2 * high
            if high > _FOREVER * self.span:
                return None
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.growth(middle, spread) < factor else (low, middle)
        return high

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "unit": self.unit,
            "span": self.span,
            "decisions_per_unit": self.decisions,
            "new_users_per_unit": self.users,
            "users": self.seen,
            "new_users_slowed": self.slowed,
        }
