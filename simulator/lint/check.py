"""The one thing a check has to do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from simulator.lint.finding import Finding
from simulator.log import Log

__all__ = ["Check"]


class Check(Protocol):
    """Takes a log chunk by chunk, in its order, keeping a bounded amount; then tells what it found."""

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        ...

    def finish(self) -> Iterable[Finding]:
        """Tell what was found, once, after the last chunk."""
        ...
