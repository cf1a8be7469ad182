"""A finding: one reason why a draft may not be shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check holds against one string.

    Attributes:
        check: Name of the check.
        channel: Channel of the string.
        field: Field of the string.
        reason: What was expected and what stands there.
    """

    check: str
    channel: str
    field: str
    reason: str
