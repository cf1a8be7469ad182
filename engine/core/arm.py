"""An arm: which variant, on which channel, in which slot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from engine.core.errors import InvalidInput

ArmId = NewType("ArmId", str)
VariantId = NewType("VariantId", str)
ChannelId = NewType("ChannelId", str)
SlotId = NewType("SlotId", str)

HOLD = ArmId("hold")
"""The reserved arm that sends nothing. It is always eligible, so that a send is worth what it adds."""

_PART = re.compile(r"[A-Za-z0-9_.-]+\Z")


def checked_part(text: str, field: str) -> str:
    """Return `text` if it may stand in an arm id.

    Raises:
        InvalidInput: If it is empty, reserved, or has a character outside `[A-Za-z0-9_.-]`.

    Examples:
        >>> checked_part("spring-20", "variant")
        'spring-20'
    """
    if not _PART.match(text) or text == HOLD:
        raise InvalidInput(
            f"expected letters, digits, '_', '.' or '-' and not the reserved word 'hold', got {text[:64]!r}; rename it",
            field=field,
        )
    return text


@dataclass(frozen=True, slots=True, order=True)
class Arm:
    """One sendable combination. `hold` is not an `Arm`: it has no parts."""

    variant: VariantId
    channel: ChannelId
    slot: SlotId

    @property
    def id(self) -> ArmId:
        """The arm's name in requests, logs and reports: `variant/channel/slot`."""
        return ArmId(f"{self.variant}/{self.channel}/{self.slot}")

    @property
    def cell(self) -> tuple[ChannelId, SlotId]:
        """The channel × slot cell, which the exploration floor treats as one."""
        return (self.channel, self.slot)

    @classmethod
    def parse(cls, arm_id: str, field: str = "arm") -> Arm:
        """Split an arm id into its parts.

        Raises:
            InvalidInput: If it has not three valid parts.

        Examples:
            >>> Arm.parse("spring-20/email/evening").channel
            'email'
        """
        parts = arm_id.split("/")
        if len(parts) != 3:
            raise InvalidInput(f"expected variant/channel/slot, got {arm_id[:64]!r}", field=field)
        variant, channel, slot = (checked_part(part, field) for part in parts)
        return cls(VariantId(variant), ChannelId(channel), SlotId(slot))
