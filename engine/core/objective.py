"""What a campaign wants, as one number per decision and as a cost in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.core.errors import ConfigError
from engine.core.outcome import Outcome, OutcomeType

TERMS = ("click", "conversion", "purchase", "refund", "cost", "unsubscribe", "comment")
"""Click, conversion and unsubscribe count once; purchase, refund and cost sum money; comment sums moods (-1 to 1)."""


@dataclass(frozen=True, slots=True)
class Objective:
    """reward = Σ weight · term; the learned cost is the reward scaled to [0, 1], high rewards being cheap.

    Attributes:
        weights: Term → weight, for instance `{"purchase": 0.3, "refund": -0.3, "cost": -1}`.
        low: Rewards below are taken as this; below 0 where costs, refunds or bad comments are to count.
        high: Rewards above are taken as this: the cap on money, or 1 for clicks.
        typical: The size of a difference between arms that matters, in reward units: for clicks the click rate you
            expect, for money the profit per decision you expect. Exploration rules see gaps in this unit.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: {"click": 1.0})
    low: float = 0.0
    high: float = 1.0
    typical: float = 0.01

    def __post_init__(self) -> None:
        if not self.weights:
            raise ConfigError("expected at least one term", field="objective.weights")
        for term, weight in self.weights.items():
            if term not in TERMS:
                raise ConfigError(f"unknown term {term!r}; known: {', '.join(TERMS)}", field="objective.weights")
            if not np.isfinite(weight):
                raise ConfigError(f"expected a finite weight, got {weight}", field=f"objective.weights.{term}")
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise ConfigError(f"expected finite low < high, got {self.low} and {self.high}", field="objective.low")
        if not 0.0 < self.typical <= self.high - self.low:
            raise ConfigError(
                f"expected a number above 0, up to high − low, got {self.typical}", field="objective.typical"
            )

    def reward(self, outcomes: Iterable[Outcome]) -> float:
        """Weighted sum of one decision's outcomes, in reward units, before the scale's cut."""
        terms = dict.fromkeys(TERMS, 0.0)
        for outcome in outcomes:
            if outcome.type in (OutcomeType.CLICK, OutcomeType.UNSUBSCRIBE):
                terms[outcome.type] = 1.0
            elif outcome.type is not OutcomeType.NOT_SENT:
                terms[outcome.type] += outcome.value
                if outcome.type is OutcomeType.PURCHASE:
                    terms["conversion"] = 1.0
        return sum(weight * terms[term] for term, weight in self.weights.items())

    def cost(self, reward: float) -> float:
        """The learned cost of a reward, in [0, 1].

        Examples:
            >>> Objective().cost(1.0), Objective().cost(0.0)
            (0.0, 1.0)
        """
        return (self.high - min(max(reward, self.low), self.high)) / (self.high - self.low)

    @property
    def resting_cost(self) -> float:
        """The cost of a decision without any outcome; most decisions are such."""
        return self.cost(0.0)

    @property
    def spread(self) -> float:
        """`typical` in cost units: costs are divided by it before exploration."""
        return self.typical / (self.high - self.low)
