"""How many decisions have an oddity, and where the first of them are."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray
from simulator.lint.finding import Finding, Severity
from simulator.log import Log

__all__ = ["Tally"]

_LINES = 5


class Tally:
    """Counts decisions and keeps their first lines; empty it is false."""

    def __init__(self) -> None:
        self.decisions = 0
        self._lines: list[int] = []

    def add(self, log: Log, rows: BoolArray) -> None:
        """Count the rows of a chunk where `rows`, shape (n,), is true."""
        places = np.flatnonzero(rows)
        if places.size:
            self.decisions += int(log.count[places].sum())
            self._lines += log.line[places[: _LINES - len(self._lines)]].tolist()

    def note(self, decisions: int, lines: list[int]) -> None:
        """Count decisions whose lines, in order, are known already."""
        self.decisions += decisions
        self._lines = [*self._lines, *lines][:_LINES]

    def __bool__(self) -> bool:
        return self.decisions > 0

    def finding(self, code: str, severity: Severity, text: str, remedy: str) -> Finding:
        """Make a finding of what was counted."""
        return Finding(code, severity, text, tuple(self._lines), self.decisions, remedy)
