"""What ends the fast way of reading, for the exact one to take over."""

from __future__ import annotations

__all__ = ["NotPlain", "require"]


class NotPlain(Exception):
    """A record is wrong or unusual: read it one by one, with exact messages."""


def require(fine: bool) -> None:
    """Go on only where all records are as expected.

    Raises:
        NotPlain: When they are not; nothing is said about which one, or why.
    """
    if not fine:
        raise NotPlain
