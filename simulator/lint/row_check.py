"""A check that looks at each row alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from simulator.arrays import BoolArray
from simulator.lint.finding import Finding, Severity
from simulator.lint.tally import Tally
from simulator.log import Log

__all__ = ["RowCheck"]


class RowCheck:
    """Counts the rows that a condition picks.

    Args:
        code: Of its finding.
        severity: Of its finding.
        text: Of its finding.
        remedy: Of its finding.
        odd: Says which rows of a chunk are odd, shape (n,).
    """

    def __init__(self, code: str, severity: Severity, text: str, remedy: str, odd: Callable[[Log], BoolArray]) -> None:
        self._what = code, severity, text, remedy
        self._odd = odd
        self._tally = Tally()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        self._tally.add(log, self._odd(log))

    def finish(self) -> Iterable[Finding]:
        """Tell how many rows are odd, if any."""
        return [self._tally.finding(*self._what)] if self._tally else []
