"""How shoppers react to what they are sent."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.shop.selling import require_share, require_within

__all__ = ["Response"]


@dataclass(frozen=True, slots=True)
class Response:
    """Sizes of the effects behind the truth; weights are in log-odds of a click, per standard deviation.

    Attributes:
        base_click: Click rate of uniform sending to every shopper over every arm but `hold`; the intercept is set to
            meet it.
        taste: Weight of the match between a shopper's taste and the copy.
        quality: Weight of what all shoppers see alike in a variant.
        affinity: Weight of a shopper's liking for a channel.
        rhythm: Weight of a device's liking for a slot.
        bargain: Weight of the discount for shoppers of the segment that looks for it.
        buy_after_click: Purchases per click of a shopper with no liking for the copy.
        refund: Share of prompted purchases that come back.
    """

    base_click: float = 0.05
    taste: float = 0.8
    quality: float = 0.3
    affinity: float = 0.4
    rhythm: float = 0.3
    bargain: float = 0.4
    buy_after_click: float = 0.1
    refund: float = 0.05

    def __post_init__(self) -> None:
        require_within("base_click", self.base_click, 1e-5, 0.9)
        for name in ("taste", "quality", "affinity", "rhythm", "bargain"):
            require_within(name, getattr(self, name), 0.0, 10.0)
        require_within("buy_after_click", self.buy_after_click, 1e-6, 0.99)
        require_share("refund", self.refund)
