"""A record that carries no more than its time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A heartbeat: its chain has nothing older than this to come.

    Attributes:
        closed: The chain's writer ended in good order, so the chain holds no watermark back until it writes again.
    """

    closed: bool = False
