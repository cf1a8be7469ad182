"""What an interval answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Bounds"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Both ends of an interval, or why there is none.

    Attributes:
        low: Lower end; None where unavailable.
        high: Upper end; None where unavailable.
        reason: Why it is unavailable; None where it is not.
    """

    low: float | None
    high: float | None
    reason: str | None = None

    @classmethod
    def between(cls, low: float, high: float) -> Bounds:
        """Give two finite ends; an end that is not finite leaves no interval."""
        if math.isfinite(low) and math.isfinite(high):
            return cls(float(low), float(high))
        return cls.unavailable("too few users to say how far off it is")

    @classmethod
    def unavailable(cls, reason: str) -> Bounds:
        """Give no interval."""
        return cls(None, None, reason)
