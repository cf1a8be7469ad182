"""Rows that wait for their horizon to pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from simulator.log import NO_TIME

__all__ = ["MaturingQueue"]

_T = TypeVar("_T")


class MaturingQueue(Generic[_T]):
    """First in, first out: horizons are equal for all rows, so that rows mature in the order of their decisions."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, _T]] = deque()
        self._last = NO_TIME

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, mature_at: int, item: _T) -> None:
        """Let an item wait until a moment, which is not before that of the item pushed last."""
        self._waiting.append((max(mature_at, self._last), item))
        self._last = max(mature_at, self._last)

    def due(self, now: int) -> Iterator[_T]:
        """Take out the items whose moment has come."""
        waiting = self._waiting
        while waiting and waiting[0][0] <= now:
            yield waiting.popleft()[1]

    def clear(self) -> None:
        """Let all go that still wait."""
        self._waiting.clear()
