"""Remembers recent outcome ids, to answer duplicates at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable


class OutcomeMemory:
    """The latest outcome ids, up to a capacity.

    It spares the journal; it is not what makes outcomes count once: the join is, over all of the journal.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: OrderedDict[str, None] = OrderedDict()

    def seen(self, key: str) -> bool:
        """Whether this id was recorded lately."""
        return key in self._keys

    def add(self, keys: Iterable[str]) -> None:
        """Remember ids that are durable now."""
        for key in keys:
            self._keys[key] = None
        while len(self._keys) > self._capacity:
            self._keys.popitem(last=False)
