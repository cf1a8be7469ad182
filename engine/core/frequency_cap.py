"""How often one shopper may be written to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.core.arm import ChannelId, checked_part
from engine.core.errors import ConfigError

MOST_CAPS = 8
"""Caps of one campaign, and caps of the whole shop."""

LARGEST_MOST = 255
LONGEST_WITHIN_S = 400 * 86_400.0
SHORTEST_WITHIN_S = 1.0


@dataclass(frozen=True, slots=True)
class FrequencyCap:
    """At most `most` sends to one shopper within any `within_s` seconds.

    Where it stands says whose sends count: in a campaign those of that campaign, in the server's settings those of all
    campaigns.

    Attributes:
        most: Sends, 1 to 255.
        within_s: Length of the rolling window, in seconds, one second to 400 days. A send leaves it exactly `within_s`
            after it was decided.
        channel: The channel whose sends count; None for all.
    """

    most: int
    within_s: float
    channel: ChannelId | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.most <= LARGEST_MOST:
            raise ConfigError(
                f"expected 1 to {LARGEST_MOST} sends, got {self.most}; to send nothing, pause the campaign",
                field="most",
            )
        if not SHORTEST_WITHIN_S <= self.within_s <= LONGEST_WITHIN_S:
            raise ConfigError(
                f"expected {SHORTEST_WITHIN_S:g} to {LONGEST_WITHIN_S:g} seconds, got {self.within_s}", field="within_s"
            )
        if self.channel is not None:
            checked_part(self.channel, "channel")


def checked_caps(caps: Sequence[FrequencyCap], channels: Collection[ChannelId] | None = None) -> None:
    """Refuse caps that cannot stand together.

    Args:
        caps: Of one campaign, or of the shop.
        channels: The campaign's; None where any channel may be named.

    Raises:
        ConfigError: If there are too many, one stands twice, or one names an unknown channel.
    """
    if len(caps) > MOST_CAPS:
        raise ConfigError(f"expected at most {MOST_CAPS}, got {len(caps)}; leave the widest out", field="caps")
    for i, cap in enumerate(caps):
        if cap in caps[:i]:
            raise ConfigError("stands twice; leave one out", field=f"caps[{i}]")
        if channels is not None and cap.channel is not None and cap.channel not in channels:
            raise ConfigError(f"{cap.channel!r} is not a channel of the campaign", field=f"caps[{i}].channel")
