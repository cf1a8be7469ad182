"""What a send takes from a campaign's limits, told from its arm id alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.arm import HOLD, Arm, ArmId

BUDGET = "budget"


def stock_of(variant: str) -> str:
    """The limit of a variant's stock."""
    return f"stock:{variant}"


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices by channel, for arms that a catalogue may no longer have.

    Attributes:
        charge: Channel → what a decision to send on it takes.
        refund: Channel → what comes back when it was not sent. Below `charge` once a price was raised: what the
            decision had taken is not known then, and giving back the lesser never overspends.
    """

    charge: Mapping[str, int] = field(default_factory=dict)
    refund: Mapping[str, int] = field(default_factory=dict)

    def charged(self, arm: ArmId) -> dict[str, int]:
        """Limit → what deciding for `arm` takes. A channel without a price takes as much as the dearest."""
        return self._of(arm, self.charge, max(self.charge.values(), default=0))

    def refunded(self, arm: ArmId) -> dict[str, int]:
        """Limit → what comes back when `arm` was not sent. A channel without a price gives nothing back."""
        return self._of(arm, self.refund, 0)

    def followed_by(self, later: Prices) -> Prices:
        """`later` in force, after these: refunds are of the lowest price there was."""
        return Prices(dict(later.charge), self._least(later))

    def either(self, later: Prices) -> Prices:
        """For decisions of which it is not known whether these or `later` were in force: no less than was taken."""
        charge = {
            channel: max(self.charge.get(channel, 0), later.charge.get(channel, 0))
            for channel in (*self.charge, *later.charge)
        }
        return Prices(charge, self._least(later))

    def _least(self, later: Prices) -> dict[str, int]:
        both = {**self.refund, **later.refund}
        return {
            channel: min(self.refund.get(channel, price), later.refund.get(channel, price))
            for channel, price in both.items()
        }

    def _of(self, arm: ArmId, prices: Mapping[str, int], otherwise: int) -> dict[str, int]:
        if arm == HOLD:
            return {}
        parts = Arm.parse(arm)
        return {BUDGET: prices.get(parts.channel, otherwise), stock_of(parts.variant): 1}
