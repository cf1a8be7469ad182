"""Per-decision quantities that metrics are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from simulator.arrays import FloatArray
from simulator.log import HOLD, Log

__all__ = ["MONEY_TYPES", "OBJECTIVE_TERMS", "VALUED_TYPES", "Quantities"]

#: Outcome types whose value is money.
MONEY_TYPES = ("purchase", "refund", "cost")
#: Outcome types that count by their value, a comment by its mood; of all others it counts that they occurred.
VALUED_TYPES = (*MONEY_TYPES, "comment")
#: Terms of an objective that are no outcome types: a conversion is that a purchase occurred, whatever its value.
_TERMS = {"conversion": "purchase"}
#: Terms that an objective may name even where the log has no such outcome.
OBJECTIVE_TERMS = ("click", "conversion", *VALUED_TYPES, "unsubscribe", "not_sent")


class Quantities:
    """Reduces the outcomes of each decision to numbers, each computed once.

    Args:
        log: The decisions.
        objective: Outcome type → worth; money and comments by their sum, others by whether they occurred.
        reward_max: Revenue of one decision is cut off here (winsorised), or None.
    """

    def __init__(self, log: Log, objective: Mapping[str, float] | None = None, reward_max: float | None = None) -> None:
        self._log = log
        self._made = (objective, reward_max)
        self._objective = dict(objective or {})
        self._reward_max = reward_max
        self._kept: dict[str, FloatArray] = {}
        self._makers: Mapping[str, Callable[[], FloatArray]] = {
            "clicked": lambda: self._occurred("click"),
            "converted": lambda: self._occurred("purchase"),
            "converted_clicked": lambda: self["clicked"] * self["converted"],
            "unsubscribed": lambda: self._occurred("unsubscribe"),
            "revenue": self._revenue,
            "cost": lambda: self._total("cost"),
            "sent": self._sent,
            "objective": self._worth,
        }

    def __getitem__(self, name: str) -> FloatArray:
        """Return one quantity, shape (n,)."""
        if name not in self._kept:
            self._kept[name] = self._makers[name]()
        return self._kept[name]

    def on(self, log: Log) -> Quantities:
        """Make the same quantities of other decisions."""
        return Quantities(log, *self._made)

    @property
    def cut_off(self) -> int:
        """Number of rows whose revenue is above `reward_max`."""
        return 0 if self._reward_max is None else int(np.sum(self._gross() > self._reward_max))

    def _occurred(self, kind: str) -> FloatArray:
        return self._log.outcomes.occurred(kind, self._log.rows)

    def _total(self, kind: str) -> FloatArray:
        return self._log.outcomes.total(kind, self._log.rows)

    def _gross(self) -> FloatArray:
        return self._total("purchase") - self._total("refund")

    def _revenue(self) -> FloatArray:
        gross = self._gross()
        return gross if self._reward_max is None else np.clip(gross, -self._reward_max, self._reward_max)

    def _sent(self) -> FloatArray:
        hold = self._log.code(HOLD)
        acted = np.ones(self._log.rows) if hold is None else (self._log.arm != hold).astype(np.float64)
        return acted * (1.0 - self._occurred("not_sent"))

    def _worth(self) -> FloatArray:
        worth = np.zeros(self._log.rows)
        for kind, weight in self._objective.items():
            worth += weight * (self._total(kind) if kind in VALUED_TYPES else self._occurred(_TERMS.get(kind, kind)))
        return worth
