"""An axis of a drawing: where values stand, and its round ticks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

__all__ = ["Axis"]

_AIR = 0.06
#: How much wider than the firm intervals an axis may get for the others; beyond, they are cut off with an arrow.
_WIDEST = 2.0


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, `low` < `high`."""

    low: float
    high: float

    @classmethod
    def around(cls, firm: Iterable[float | None], loose: Iterable[float | None] = ()) -> Axis:
        """Choose an axis that holds all firm ends, the loose ones as far as they leave the firm ones legible.

        >>> Axis.around([0.0, 1.0], [40.0])
        Axis(low=-0.12, high=2.12)
        """
        ends = [end for end in firm if end is not None]
        others = [end for end in loose if end is not None]
        ends, others = (ends, others) if ends else (others, [])
        if not ends:
            return cls(0.0, 1.0)
        low, high = min(ends), max(ends)
        room = (_WIDEST - 1.0) * (high - low)
        if others and room > 0.0:
            under, over = max(0.0, low - min(others)), max(0.0, max(others) - high)
            share = min(1.0, room / (under + over)) if under + over > 0.0 else 0.0
            low, high = low - share * under, high + share * over
        elif others:
            low, high = min(low, *others), max(high, *others)
        air = _AIR * (high - low) or abs(high) * 0.1 or 1.0
        return cls(low - air, high + air)

    def part(self, value: float) -> float:
        """Say how far along the axis a value stands: 0 at `low`, 1 at `high`; outside values at the ends."""
        return max(0.0, min(1.0, (value - self.low) / (self.high - self.low)))

    def holds(self, value: float) -> bool:
        """Whether a value lies on the axis."""
        return self.low <= value <= self.high

    def ticks(self, most: int = 5, margin: float = _AIR) -> list[float]:
        """Place round ticks, `margin` of the width away from the ends so that no label is cut off.

        >>> Axis(-0.3, 2.4).ticks()
        [0.0, 1.0, 2.0]
        """
        width = self.high - self.low
        rough = width / most
        unit = 10.0 ** floor(log10(rough))
        step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough * (1 - 1e-9))
        first = floor(self.low / step)
        ticks = [step * number for number in range(first, first + most + 3)]
        return [
            0.0 if abs(tick) < step / 1e6 else tick
            for tick in ticks
            if self.low + margin * width <= tick <= self.high - margin * width
        ]
