"""Finds decisions too young for their outcomes to have come."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.lint.bins import Bins
from simulator.lint.clocks import last_outcome
from simulator.lint.finding import Finding, Severity
from simulator.log import NO_TIME, Log

__all__ = ["YoungDecisions"]

_HOUR = 3_600_000_000
_PER_DOUBLING = 4
_SHARE = 0.95
_FEWEST = 100
_SOME, _MANY = 0.01, 0.1


class YoungDecisions:
    """Compares how long each decision was observed with how long outcomes take.

    Observed until `observed_until`, or where that is not stated until the last time in the log. Of each outcome type
    the time by which 95 % came is taken, then the longest; delays are those of outcomes after their decision.
    """

    def __init__(self) -> None:
        self._delays: dict[str, Bins] = {}
        self._windows = Bins()
        self._decided = Bins()
        self._end = NO_TIME

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        decided = log.decided_at != NO_TIME
        self._end = max(
            self._end, int(log.decided_at.max(initial=NO_TIME)), int(last_outcome(log).max(initial=NO_TIME))
        )
        stated = decided & (log.observed_until != NO_TIME)
        window = np.maximum(log.observed_until - log.decided_at, 0)[stated] // _HOUR
        self._windows.add(window, log.line[stated], log.count[stated])
        open_end = decided & ~stated
        self._decided.add(log.decided_at[open_end] // _HOUR, log.line[open_end], log.count[open_end])
        outcomes = log.outcomes
        timed = (outcomes.at != NO_TIME) & decided[outcomes.row]
        delay = np.where(timed, outcomes.at - log.decided_at[outcomes.row], 0)
        for kind, name in enumerate(outcomes.kinds):
            later = (outcomes.kind == kind) & (delay > 0)
            row = outcomes.row[later]
            bins = np.ceil(_PER_DOUBLING * np.log2(delay[later])).astype(np.int64)
            self._delays.setdefault(name, Bins()).add(bins, log.line[row], log.count[row])

    def finish(self) -> Iterable[Finding]:
        """Tell how many decisions were observed for less than that."""
        usual = {
            name: 2.0 ** (bins.quantile(_SHARE) / _PER_DOUBLING)
            for name, bins in self._delays.items()
            if bins.decisions >= _FEWEST
        }
        if not usual:
            return
        slowest = max(usual, key=lambda name: usual[name])
        hours = int(usual[slowest] // _HOUR)
        young, lines = self._windows.outside(hours, np.inf)
        younger, more = self._decided.outside(-np.inf, self._end // _HOUR - hours)
        young, share = young + younger, (young + younger) / (self._windows.decisions + self._decided.decisions)
        if share >= _SOME:
            yield Finding(
                "young_decision",
                Severity.WARNING if share >= _MANY else Severity.INFO,
                f"observed for less than the {_duration(hours)} in which 95 % of {slowest} outcomes come",
                tuple(sorted([*lines, *more])[:5]),
                young,
                f"replay with --delay {_duration(hours)}, or export the log later",
            )


def _duration(hours: int) -> str:
    if hours >= 48:
        return f"{-(-hours // 24)}d"
    return f"{hours}h" if hours else "1h"
