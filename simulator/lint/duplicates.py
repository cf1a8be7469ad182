"""Finds decisions and outcomes that are written twice under different ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from simulator.arrays import HashArray
from simulator.keyed_hash import hash_strings, mix
from simulator.lint.check import Check
from simulator.lint.finding import Finding, Severity
from simulator.lint.repeats import Repeats
from simulator.log import NO_TIME, Log

__all__ = ["RepeatedDecisions", "RepeatedOutcomes", "duplicate_checks"]

_PLACES = ("position", "slate")


def duplicate_checks() -> list[Check]:
    """Make the checks."""
    return [RepeatedDecisions(), RepeatedOutcomes()]


class RepeatedDecisions:
    """Finds rows of the same user, time and arm; positions of one slate are told apart."""

    def __init__(self) -> None:
        self._repeats = Repeats()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        rows = np.flatnonzero((log.user >= 0) & (log.decided_at != NO_TIME))
        if not rows.size:
            return
        keys = mix(log.decided_at[rows].astype(np.uint64))
        keys = mix(keys ^ _hashes(log.users, log.user[rows]))
        keys = mix(keys ^ _hashes(log.arms, log.arm[rows].astype(np.int64)))
        for name in _PLACES:
            if name in log.extra:
                keys = mix(keys ^ hash_strings([repr(value) for value in log.extra[name][rows]]))
        self._repeats.add(keys, log.line[rows], log.count[rows])

    def finish(self) -> Iterable[Finding]:
        """Tell how many decisions repeat one before them."""
        decisions, lines = self._repeats.found()
        if decisions:
            yield Finding(
                "near_duplicate",
                Severity.WARNING,
                "same user, time and arm as another decision: counted twice",
                tuple(lines),
                decisions,
                "remove what was exported or retried twice; give retries the same decision_id",
            )


class RepeatedOutcomes:
    """Finds outcome ids that occur in more than one row."""

    def __init__(self) -> None:
        self._repeats = Repeats()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        outcomes = log.outcomes
        named = outcomes.identity != 0
        if named.any():
            row = outcomes.row[named]
            self._repeats.add(mix(outcomes.identity[named].astype(np.uint64)), log.line[row], log.count[row])

    def finish(self) -> Iterable[Finding]:
        """Tell how many outcomes were credited before."""
        decisions, lines = self._repeats.found()
        if decisions:
            yield Finding(
                "repeated_outcome",
                Severity.ERROR,
                "an outcome_id of another row comes again: its money is counted twice",
                tuple(lines),
                decisions,
                'credit each outcome to one decision (attribution "last")',
            )


def _hashes(names: Sequence[str], codes: np.ndarray) -> HashArray:
    known, place = np.unique(codes, return_inverse=True)
    return hash_strings([names[code] for code in known])[place]
