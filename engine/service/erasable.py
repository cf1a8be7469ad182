"""What holds something of shoppers beside the journal."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol


class Erasable(Protocol):
    """A memory, a table or a store, by pseudonym. It comes in two places.

    What lives in a serving process (counters) stands among the `erasables` of its `ErasureDesk`. What lies in files
    (profiles, checkpoints of counters) stands among those of `Forgetting`.
    """

    def erase(self, users: Collection[str]) -> int:
        """Drop everything about shoppers, durably where it is kept durably; a second time does nothing.

        Args:
            users: Pseudonyms.

        Returns:
            How many entries there were.
        """
        ...
