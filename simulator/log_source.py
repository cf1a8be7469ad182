"""A log that can be read again and again, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from simulator.log import Log

__all__ = ["LogSource"]


class LogSource(Protocol):
    """Decisions in chunks; a `Log` in memory is one, a scanned file another.

    All chunks share the vocabulary of arms, and name the same columns of context.
    """

    @property
    def source(self) -> str:
        """Where it came from, for messages."""
        ...

    @property
    def arms(self) -> tuple[str, ...]:
        """Vocabulary of arm ids."""
        ...

    @property
    def catalogue(self) -> Mapping[str, Mapping[str, Any]]:
        """Arm id → {variant, channel, slot, features, embedding} where stated."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the results should know."""
        ...

    def chunks(self) -> Iterator[Log]:
        """Yield all rows, in the same chunks each time."""
        ...
