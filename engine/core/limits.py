"""A campaign's budget and stock, and which arms they still pay for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.limit import Limit
from engine.core.prices import BUDGET, Prices, stock_of

_NONE = -1


class Limits:
    """What each arm takes from each limit. Every arm draws on the budget and on its own variant's stock at most.

    Attributes:
        limits: m limits; the budget is the first where there is one.
        ids: Their ids.
        reasons: Why an arm is excluded; `excluded` gives 1 + the index.
        prices: The same by channel, for arms of other catalogues.
        largest: Shape (m,), int64: what the dearest send takes.
    """

    reasons = ("budget_exhausted", "stock_exhausted")

    def __init__(self, campaign: Campaign, catalogue: Catalogue) -> None:
        self._campaign, self._catalogue = campaign, catalogue
        cost_of = {channel.id: channel.cost_minor for channel in campaign.channels}
        costs = [0 if arm is None else cost_of[arm.channel] for arm in catalogue.arms]
        limits: list[Limit] = []
        if campaign.budget is not None:
            budget = campaign.budget
            limits.append(Limit.of(BUDGET, budget.amount_minor, budget.chunk_minor, max(costs)))
        self._has_budget = bool(limits)
        slots: dict[str, int] = {}
        for variant in campaign.variants:
            if variant.stock is not None:
                slots[variant.id] = len(limits)
                limits.append(Limit.of(stock_of(variant.id), variant.stock, variant.stock_chunk, 1))
        self.limits = tuple(limits)
        self.ids = tuple(limit.id for limit in limits)
        self.prices = Prices({str(k): v for k, v in cost_of.items()}, {str(k): v for k, v in cost_of.items()})
        self.largest = np.array([limit.largest for limit in limits], dtype=np.int64)
        self._money = np.array(costs if self._has_budget else [0] * len(costs), dtype=np.int64)
        self._stock = np.array(
            [_NONE if arm is None else slots.get(arm.variant, _NONE) for arm in catalogue.arms], dtype=np.int64
        )
        self._stocked = np.flatnonzero(self._stock != _NONE)
        self._plain = [
            tuple((slot, cost) for slot, cost in ((0, money), (stock, 1)) if slot != _NONE and cost)
            for money, stock in zip(self._money.tolist(), self._stock.tolist(), strict=True)
        ]

    def __len__(self) -> int:
        return len(self.limits)

    def without_limits(self) -> Limits:
        """For the same arms and prices, with nothing that runs out."""
        free = tuple(replace(variant, stock=None) for variant in self._campaign.variants)
        return Limits(replace(self._campaign, budget=None, variants=free), self._catalogue)

    def costs(self, index: int) -> np.ndarray:
        """What each arm takes of limit `index`: shape (k,), int64; 0 for `hold`."""
        if index == 0 and self._has_budget:
            return self._money.copy()
        return (self._stock == index).astype(np.int64)

    def charges(self, arm: int) -> tuple[tuple[int, int], ...]:
        """(limit, quantity) of what one send of `arm` takes; empty where it takes nothing."""
        return self._plain[arm]

    def excluded(self, remaining: np.ndarray) -> np.ndarray | None:
        """Which arms can no longer be paid, and why; `hold` always can.

        Args:
            remaining: Shape (m,), what is left of each limit; below 0 counts as 0.

        Returns:
            Shape (k,), uint8: 0 where the arm can be paid, else 1 + the index of its reason; None where all can.
        """
        if (remaining >= self.largest).all():
            return None
        codes = np.zeros(len(self._money), dtype=np.uint8)
        codes[self._stocked[remaining[self._stock[self._stocked]] < 1]] = 2
        if self._has_budget:
            codes[self._money > max(int(remaining[0]), 0)] = 1
        return codes

    def rows_together(self, remaining: np.ndarray, n: int) -> int:
        """How many of n rows can be decided with today's exclusions, whatever is drawn, and be paid.

        At least 1, as excluded arms are never drawn: near the end one row at a time.
        """
        dearest = self._dearest(remaining)
        bounding = dearest > 0
        return max(1, min(n, int((remaining[bounding] // dearest[bounding]).min()))) if bounding.any() else n

    def payable(self, remaining: np.ndarray, chosen: np.ndarray) -> int:
        """How many leading rows were drawn from the arms that could be paid when their turn came.

        Row by row, each taking its cost, exclusions change when a limit falls below what its dearest payable arm takes.
        Rows behind that point were drawn from too many arms: they are to be decided again.

        Args:
            remaining: Shape (m,), what was left when `excluded` was asked.
            chosen: Shape (n,), the drawn arms, none of them excluded.

        Returns:
            1 to n, or 0 for no rows.
        """
        rows = len(chosen)
        dearest = self._dearest(remaining)
        if self._has_budget and dearest[0]:
            spent = np.cumsum(self._money[chosen])
            rows = min(rows, 1 + int(np.searchsorted(spent, remaining[0] - dearest[0], side="right")))
        slots = self._stock[chosen]
        counts = np.bincount(slots[slots != _NONE], minlength=len(self))
        for slot in np.flatnonzero((counts > 0) & (counts >= remaining)):
            rows = min(rows, 1 + int(np.flatnonzero(slots == slot)[int(remaining[slot]) - 1]))
        return rows

    def totals(self, chosen: np.ndarray) -> np.ndarray:
        """What the chosen arms take together: shape (m,), int64."""
        slots = self._stock[chosen]
        total = np.bincount(slots[slots != _NONE], minlength=len(self)).astype(np.int64)
        if self._has_budget:
            total[0] = self._money[chosen].sum()
        return total

    def _dearest(self, remaining: np.ndarray) -> np.ndarray:
        """What the dearest arm that can be paid takes of each limit: shape (m,); 0 where nothing can be."""
        dearest = np.where(remaining >= self.largest, self.largest, 0)
        if self._has_budget and not dearest[0]:
            dearest[0] = self._money[self._money <= max(int(remaining[0]), 0)].max()
        return dearest
