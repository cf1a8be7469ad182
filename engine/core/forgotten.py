"""Shoppers that were forgotten, as journals and logs name them."""

from __future__ import annotations

import secrets

PREFIX = "f" * 16
"""A pseudonym is a hash of 128 bits: none of a shopper begins with 64 one bits but by a chance of 2⁻⁶⁴."""


def forgotten_name() -> str:
    """A name for a shopper who is to be forgotten: as long as a pseudonym, random, and known to be no one's.

    All records of a shopper get the same, so that outcomes stay with their decisions, and intervals stay right. Nothing
    leads back from it to a shopper once the erasing is over.
    """
    return PREFIX + secrets.token_hex(8)


def is_forgotten(user: str) -> bool:
    """Whether a journalled user is one who was forgotten: embedding and attributes are then blank, not zero."""
    return len(user) == 32 and user.startswith(PREFIX)
