"""Checks of the order of times."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.arrays import BoolArray, IntArray
from simulator.lint.bins import Bins
from simulator.lint.check import Check
from simulator.lint.finding import Finding, Severity
from simulator.lint.row_check import RowCheck
from simulator.lint.tally import Tally
from simulator.log import NO_TIME, Log

__all__ = ["GoingBack", "OddTimes", "clock_checks", "last_outcome"]

_DAY = 86_400_000_000
_SPANS = 3


def clock_checks() -> list[Check]:
    """Make the checks."""
    return [
        RowCheck(
            "outcome_before_decision",
            Severity.WARNING,
            "an outcome is earlier than its decision, and cannot come from it",
            "check clocks and time zones, and how outcomes are joined",
            _outcome_before,
        ),
        RowCheck(
            "observed_before_decision",
            Severity.WARNING,
            "observed_until is before decided_at",
            "write until when outcomes of the decision are complete",
            lambda log: _stated(log) & (log.observed_until < log.decided_at),
        ),
        RowCheck(
            "observed_before_outcome",
            Severity.WARNING,
            "observed_until is before an outcome of the row",
            "write until when outcomes of the decision are complete",
            lambda log: np.asarray((log.observed_until != NO_TIME) & (last_outcome(log) > log.observed_until)),
        ),
        GoingBack(),
        OddTimes(),
    ]


class GoingBack:
    """Finds rows decided before a row above them."""

    def __init__(self) -> None:
        self._latest = NO_TIME
        self._tally = Tally()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        latest = np.maximum.accumulate(np.concatenate(([self._latest], log.decided_at)))
        self._latest = int(latest[-1])
        self._tally.add(log, (log.decided_at != NO_TIME) & (log.decided_at < latest[:-1]))

    def finish(self) -> Iterable[Finding]:
        """Tell how many rows go back in time."""
        if self._tally:
            yield self._tally.finding(
                "time_goes_back",
                Severity.INFO,
                "decided_at is before that of a row above",
                "sort by decided_at, so that periods and learning in order are those of time",
            )


class OddTimes:
    """Finds decisions and outcomes years away from all others, such as a time in seconds read as milliseconds."""

    def __init__(self) -> None:
        self._days = Bins()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        decided = log.decided_at != NO_TIME
        self._days.add(log.decided_at[decided] // _DAY, log.line[decided], log.count[decided])
        outcomes = log.outcomes
        timed = outcomes.at != NO_TIME
        row = outcomes.row[timed]
        self._days.add(outcomes.at[timed] // _DAY, log.line[row], log.count[row])

    def finish(self) -> Iterable[Finding]:
        """Tell how many lie far from the middle 98 %."""
        if not self._days.decisions:
            return
        low, high = self._days.quantile(0.01), self._days.quantile(0.99)
        # A year is far, however short the log; so are three times its span.
        far = max(_SPANS * (high - low), 366)
        decisions, lines = self._days.outside(low - far, high + far)
        if decisions:
            yield Finding(
                "odd_time",
                Severity.WARNING,
                "a time lies more than a year, and three times the log's span, from the others",
                tuple(lines),
                decisions,
                "check units, time zones and default dates such as 1970",
            )


def last_outcome(log: Log) -> IntArray:
    """Give the time of each row's last outcome, `NO_TIME` where it has none, shape (n,)."""
    last = np.full(log.rows, NO_TIME, dtype=np.int64)
    np.maximum.at(last, log.outcomes.row, log.outcomes.at)
    return last


def _outcome_before(log: Log) -> BoolArray:
    outcomes = log.outcomes
    decided = log.decided_at[outcomes.row]
    early = (outcomes.at != NO_TIME) & (decided != NO_TIME) & (outcomes.at < decided)
    return np.bincount(outcomes.row[early], minlength=log.rows) > 0


def _stated(log: Log) -> BoolArray:
    return np.asarray((log.observed_until != NO_TIME) & (log.decided_at != NO_TIME))
