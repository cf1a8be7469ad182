"""Commits of the journal: how long they took, and whether one is stuck."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.telemetry.histogram import Histogram
from engine.telemetry.series import Series


class CommitCounts:
    """A `CommitWatch`. One thread commits; any may ask.

    Attributes:
        committed_at: When the last commit was durable, in seconds since 1970; 0 before the first.
        failed: Commits that failed. A journal takes nothing more after one, until it is opened anew.
        failing: Whether it takes nothing now.
    """

    def __init__(
        self, now_s: Callable[[], float] = time.time, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.committed_at = 0.0
        self.failed = 0
        self.failing = False
        self._now_s, self._monotonic_s = now_s, monotonic_s
        self._began: float | None = None
        self._seconds = Histogram()

    def began(self) -> None:
        """See `CommitWatch`."""
        self._began = self._monotonic_s()

    def ended(self, seconds: float, done: bool) -> None:
        """See `CommitWatch`."""
        self._began = None
        self._seconds.add(seconds)
        if done:
            self.committed_at = self._now_s()
        else:
            self.failed += 1
            self.failing = True

    def reopened(self) -> None:
        """See `CommitWatch`."""
        self.failing = False

    @property
    def under_way_s(self) -> float:
        """How long the present commit has been going on, in seconds; 0 where there is none."""
        began = self._began
        return 0.0 if began is None else self._monotonic_s() - began

    def put(self, series: Series) -> None:
        """Add what was counted."""
        series.add("armsreach_commit_seconds", (), self._seconds.values)
        series.add("armsreach_commits_failed", (), self.failed)
