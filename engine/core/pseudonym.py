"""What stands for a shopper wherever anything is kept."""

from __future__ import annotations

import re

_PSEUDONYM = re.compile(r"[0-9a-f]{32}\Z")


def is_pseudonym(user: str) -> bool:
    """Whether this is a pseudonym: 32 hexadecimal digits. Journals of the first format have users as they came.

    Examples:
        >>> is_pseudonym("0123456789abcdef0123456789abcdef"), is_pseudonym("customer-17")
        (True, False)
    """
    return _PSEUDONYM.match(user) is not None
