"""What one worker has left of a campaign's limits: arithmetic alone, as a ledger is asked elsewhere."""

from __future__ import annotations

import numpy as np

from engine.core.arm import ArmId
from engine.core.limits import Limits
from engine.core.prices import Prices


class Purse:
    """Leased and not yet spent, for each limit. Not thread-safe: it belongs to the thread that decides.

    Attributes:
        limits: The limits it holds for.
        remaining: Shape (m,), int64, what may yet be taken.
        spent: Shape (m,), int64, taken less given back.
        prices: What comes back for arms not sent, earlier prices considered.
    """

    def __init__(
        self,
        limits: Limits,
        remaining: np.ndarray | None = None,
        spent: np.ndarray | None = None,
        prices: Prices | None = None,
    ) -> None:
        self.limits = limits
        self.prices = limits.prices if prices is None else prices
        none = np.zeros(len(limits), dtype=np.int64)
        self.remaining = none if remaining is None else remaining.astype(np.int64)
        self.spent = none.copy() if spent is None else spent.astype(np.int64)
        self._slots = {limit_id: slot for slot, limit_id in enumerate(limits.ids)}
        self._low = np.array([limit.low for limit in limits.limits], dtype=np.int64)
        self._full = np.array([limit.full for limit in limits.limits], dtype=np.int64)
        self._chunk = np.array([limit.chunk for limit in limits.limits], dtype=np.int64)

    def excluded(self) -> np.ndarray | None:
        """Which arms cannot be paid now; see `Limits.excluded`."""
        return self.limits.excluded(self.remaining)

    def low(self) -> np.ndarray:
        """Of which limits the next chunk should be leased: shape (m,), bool."""
        return self.remaining < self._low

    def is_low(self) -> bool:
        """Whether the next chunk of any limit should be leased."""
        return bool(self.low().any())

    def take(self, arm: int) -> bool:
        """Pay for one send of `arm`.

        Returns:
            False, and nothing was taken, where too little is left: the arm was not excluded when it should have been.
        """
        charges = self.limits.charges(arm)
        for slot, quantity in charges:
            if self.remaining[slot] < quantity:
                return False
        for slot, quantity in charges:
            self.remaining[slot] -= quantity
            self.spent[slot] += quantity
        return True

    def take_rows(self, chosen: np.ndarray) -> int:
        """Pay for the leading rows that were drawn from arms which could be paid when their turn came.

        Args:
            chosen: Shape (n,), arms drawn under the present exclusions.

        Returns:
            How many rows are paid; the others are to be decided again under the new exclusions.
        """
        rows = self.limits.payable(self.remaining, chosen)
        total = self.limits.totals(chosen[:rows])
        self.remaining -= total
        self.spent += total
        return rows

    def rows_together(self, n: int) -> int:
        """See `Limits.rows_together`."""
        return self.limits.rows_together(self.remaining, n)

    def give_back(self, arm: ArmId) -> None:
        """Take a decision for `arm` back, as it was not sent."""
        for limit_id, quantity in self.prices.refunded(arm).items():
            slot = self._slots.get(limit_id)
            if slot is not None:
                self.remaining[slot] += quantity
                self.spent[slot] -= quantity

    def wanted(self) -> np.ndarray:
        """What should be leased (above 0) or returned (below 0): shape (m,), int64.

        A limit that is low is filled up to a chunk, so that no more than a chunk is ever left unspent here. What came
        in above a chunk goes back down to `Limit.full`, so that not every further bit is returned by itself.
        """
        low, over = self.low(), self.remaining > self._chunk
        return np.where(low, self._chunk - self.remaining, np.where(over, self._full - self.remaining, 0))

    def add(self, limit_id: str, remaining: int, spent: int = 0) -> bool:
        """Add to what is left of a limit and what was spent of it; False where there is no such limit here."""
        slot = self._slots.get(limit_id)
        if slot is None:
            return False
        self.remaining[slot] += remaining
        self.spent[slot] += spent
        return True

    def empty(self, limit_id: str) -> int:
        """Leave nothing of a limit, and return what was left; debts stay."""
        slot = self._slots[limit_id]
        left = max(int(self.remaining[slot]), 0)
        self.remaining[slot] -= left
        return left

    def moved_to(self, limits: Limits) -> Purse:
        """The same purse for changed limits; those that are new have nothing yet."""
        moved = Purse(limits, prices=self.prices.followed_by(limits.prices))
        for limit_id, slot in self._slots.items():
            moved.add(limit_id, int(self.remaining[slot]), int(self.spent[slot]))
        return moved
