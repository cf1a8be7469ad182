"""What every rule can do."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np

from engine.core.context import Context


@dataclass(frozen=True, slots=True)
class Inquiry:
    """What rules may look at.

    Attributes:
        context: The shopper.
        at: The moment of deciding; aware UTC.
        channels: Channels that the request narrows to; empty for all.
        slots: Slots that it narrows to.
        variants: Variants that it narrows to.
        time_zone: The shopper's IANA zone; empty for the campaign's.
    """

    context: Context
    at: datetime
    channels: tuple[str, ...] = ()
    slots: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()
    time_zone: str = ""


class Rule(Protocol):
    """Takes arms away. It never sees `hold`, which nothing excludes."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason this rule may give."""
        ...

    def key(self, inquiry: Inquiry) -> Hashable:
        """What the answer depends on: equal keys have equal answers, so that one can be remembered."""
        ...

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:
        """Which arms are excluded, and why.

        Returns:
            Shape (k,), uint8: 0 where the arm stays, else 1 + the index of its reason; None where all stay.
        """
        ...
