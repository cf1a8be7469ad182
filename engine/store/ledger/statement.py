"""An account as people see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statement:
    """Sums over all holders of an account.

    Attributes:
        leased: Granted and not returned; never above the amount at the time of granting.
        spent: Of that, what checkpoints say is spent.
        holders: How many there are.
    """

    leased: int
    spent: int
    holders: int

    @property
    def outstanding(self) -> int:
        """Leased and, at the last checkpoints, not spent."""
        return self.leased - self.spent
