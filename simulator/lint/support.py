"""Finds arms that were never played."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.arrays import FloatArray
from simulator.lint.finding import Finding, Severity
from simulator.log import Log

__all__ = ["NeverPlayed"]

_NAMES = 3


class NeverPlayed:
    """Counts, for each arm, how often it was eligible and played, in the rows that say what a policy is worth."""

    def __init__(self) -> None:
        self._arms: dict[str, int] = {}
        self._eligible: FloatArray = np.zeros(0)
        self._played: FloatArray = np.zeros(0)
        self._line: FloatArray = np.zeros(0)

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        codes = np.array([self._arms.setdefault(arm, len(self._arms)) for arm in log.arms])
        grow = len(self._arms) - self._eligible.size
        self._eligible, self._played, self._line = (
            np.pad(self._eligible, (0, grow)),
            np.pad(self._played, (0, grow)),
            np.pad(self._line, (0, grow), constant_values=np.inf),
        )
        counted = log.count * log.valued
        times = np.repeat(counted, log.lengths).astype(np.float64)
        self._eligible += np.bincount(codes[log.eligible], times, minlength=len(self._arms))
        self._played += np.bincount(codes[log.arm], counted.astype(np.float64), minlength=len(self._arms))
        if np.isinf(self._line).any():
            here = np.full(len(self._arms), np.inf)
            # Of several rows the last one written stays, so that the first has to come last.
            flat = np.flatnonzero(times > 0)[::-1]
            here[codes[log.eligible[flat]]] = log.line[log.row_of[flat]]
            self._line = np.minimum(self._line, here)

    def finish(self) -> Iterable[Finding]:
        """Tell which arms were eligible and never played."""
        never = np.flatnonzero((self._eligible > 0) & (self._played == 0))
        if not never.size:
            return
        never = never[np.argsort(-self._eligible[never], kind="stable")]
        arms = list(self._arms)
        names = ", ".join(arms[code] for code in never[:_NAMES]) + ("…" if never.size > _NAMES else "")
        what = "1 eligible arm was" if never.size == 1 else f"{never.size:,} eligible arms were"
        yield Finding(
            "never_played",
            Severity.INFO,
            f"{what} never played: {names}",
            tuple(sorted({int(line) for line in self._line[never[:5]]})),
            int(self._eligible[never[0]]),
            "policies that play them cannot be judged: log more, raise the floor, or take them out of `eligible`",
        )
