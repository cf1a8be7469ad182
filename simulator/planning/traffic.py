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
_SURE = 3.0
_FOREVER = 1e6


@dataclass(frozen=True, slots=True)
class Traffic:
    """Decisions and new users per unit of traffic: a day, or 1,000 decisions where the log has no times.

    Attributes:
        unit: "day" or "1,000 decisions".
        span: How many units the log covers.
        decisions: Per unit.
        seen: Users so far.
        fresh: How far users keep coming who were not there before, in [0, 1]: 1 where the number of users grows with
            that of decisions, 0 where all decisions come from one base of customers.
    """

    unit: str
    span: float
    decisions: float
    seen: float
    fresh: float

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
            return cls("1,000 decisions", log.decisions / _BATCH, float(_BATCH), seen, 1.0)
        return cls("day", span, log.decisions / span, seen, _fresh(log, clusters))

    @property
    def users(self) -> float:
        """New users per unit, as they come now."""
        return self.fresh * self.seen / self.span

    def growth(self, units: float, spread: Spread) -> float:
        """Say how many times larger an effective size will be after so many more units."""
        return spread.growth(1.0 + units / self.span, 1.0 + self.fresh * units / self.span)

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
            "fresh": self.fresh,
        }


def _fresh(log: Log, clusters: Clusters) -> float:
    """Place the users first seen in the later half of the decisions between the two extremes.

    From one base of customers, a user with m decisions has all of them in the later half with probability 2⁻ᵐ; where
    users come and go, half of them are first seen in the later half.

    Source: rarefaction; Hurlbert, "The nonconcept of species diversity" (1971), eq. 2, for half of the decisions.
    """
    order = np.argsort(log.decided_at, kind="stable")
    passed = np.cumsum(log.count[order])
    late = np.empty(log.rows, dtype=bool)
    late[order] = passed > passed[-1] / 2
    early = clusters.totals((~late).astype(np.float64)) > 0
    times, users = clusters.totals(np.ones(log.rows)), clusters.multiplicity
    found, of_a_base = float(users @ ~early), float(users @ 2.0**-times)
    half = float(users.sum()) / 2
    if half - of_a_base <= _SURE * half**0.5:
        return 1.0
    return min(1.0, max(0.0, (found - of_a_base) / (half - of_a_base)))
