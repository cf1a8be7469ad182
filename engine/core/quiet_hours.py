"""When shoppers are left alone."""

from __future__ import annotations

from dataclasses import dataclass

from engine.core.arm import ChannelId
from engine.core.local_hours import LocalHours


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the shopper's local day at which nothing is sent.

    Attributes:
        from_time: Local wall-clock time, "HH:MM".
        to_time: First minute after; at or before `from_time`, the hours cross midnight.
        channels: The channels that they hold for; empty for all.
    """

    from_time: str
    to_time: str
    channels: tuple[ChannelId, ...] = ()

    def __post_init__(self) -> None:
        _ = self.hours

    @property
    def hours(self) -> LocalHours:
        """The part of the day.

        Raises:
            InvalidInput: If a time cannot be read.
        """
        return LocalHours.parse(self.from_time, self.to_time, "quiet_hours")
