"""The error of a journal that can promise nothing more."""

from __future__ import annotations

from engine.core.errors import Unavailable


class JournalFailed(Unavailable):
    """A write or sync failed. What was not acknowledged before never will be; the chain must be opened anew."""
