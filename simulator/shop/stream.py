"""What happens whatever is sent: who comes when, what is bought unprompted, and the luck of every reaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.shop.population import Population
from simulator.shop.scenario import Scenario

__all__ = ["LUCK", "Stream"]

LUCK = (
    "send", "bounce", "click", "click_delay", "buy", "buy_delay", "basket", "refund", "refund_delay",
    "unsubscribe", "unsubscribe_delay", "lag", "late", "disorder", "duplicate",
)  # fmt: skip
"""One uniform number of each decision for each of these, drawn beforehand: whoever decides meets the same luck."""


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """The outside world of one run; n decisions. Times are seconds from the start.

    Attributes:
        at: Shape (n,), ascending.
        user: Shape (n,).
        luck: Shape (n, len(LUCK)), in (0, 1).
        until_next: Shape (n,), time to the same shopper's next decision; infinite for the last.
        organic_at: Shape (m,), ascending: purchases that nobody prompted.
        organic_user: Shape (m,).
        organic_luck: Shape (m,), in (0, 1), the quantile of the basket.
    """

    at: FloatArray
    user: IntArray
    luck: FloatArray
    until_next: FloatArray
    organic_at: FloatArray
    organic_user: IntArray
    organic_luck: FloatArray

    @classmethod
    def draw(cls, scenario: Scenario, population: Population, horizon_s: float, rng: np.random.Generator) -> Stream:
        """Draw one run.

        Args:
            scenario: How many decisions over how long.
            population: Who comes.
            horizon_s: How long after the last decision purchases still matter.
            rng: Used up in a fixed order.
        """
        n, span = scenario.decisions, scenario.days * 86_400.0
        at = np.sort(rng.random(n)) * span
        user = rng.choice(len(population.activity), n, p=population.activity)
        luck = rng.uniform(1e-12, 1.0, (n, len(LUCK)))
        counts = rng.poisson(population.organic_per_s * (span + horizon_s))
        organic_user = np.repeat(np.arange(len(counts)), counts)
        organic_at = rng.random(len(organic_user)) * (span + horizon_s)
        order = np.argsort(organic_at, kind="stable")
        return cls(
            at=at,
            user=user,
            luck=luck,
            until_next=_until_next(at, user),
            organic_at=organic_at[order],
            organic_user=organic_user[order],
            organic_luck=rng.uniform(1e-12, 1.0, len(organic_user)),
        )

    def organic_between(self, user: int, start: float, end: float) -> IntArray:
        """Positions of a shopper's unprompted purchases in [start, end)."""
        low, high = np.searchsorted(self.organic_at, [start, end])
        return np.asarray(low + np.flatnonzero(self.organic_user[low:high] == user))


def _until_next(at: FloatArray, user: IntArray) -> FloatArray:
    order = np.lexsort((at, user))
    result = np.full(len(at), np.inf)
    same = user[order][1:] == user[order][:-1]
    result[order[:-1][same]] = np.diff(at[order])[same]
    return result
