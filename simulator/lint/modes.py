"""Checks of what rows of each mode may say, and of who and when."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray
from simulator.lint.check import Check
from simulator.lint.finding import Severity
from simulator.lint.row_check import RowCheck
from simulator.log import HOLD, MODES, NO_TIME, Log

__all__ = ["mode_checks"]


def mode_checks() -> list[Check]:
    """Make the checks."""
    return [
        RowCheck(
            "holdout_sends",
            Severity.ERROR,
            "mode holdout, yet something other than hold was chosen",
            "a holdout gets nothing: correct the mode, or find out who sent",
            lambda log: _is(log, "holdout") & ~on_hold(log),
        ),
        RowCheck(
            "holdout_eligible",
            Severity.WARNING,
            "mode holdout, yet arms other than hold were eligible or the propensity is below 1",
            "log eligible [hold] and propensity 1 for a holdout",
            lambda log: _is(log, "holdout") & on_hold(log) & ((log.lengths > 1) | (log.propensity < 1.0)),
        ),
        RowCheck(
            "forced_propensity",
            Severity.WARNING,
            "mode forced, yet a propensity below 1",
            "log propensity 1 for must-sends, or the mode live for what was drawn",
            lambda log: _is(log, "forced") & (log.propensity < 1.0),
        ),
        RowCheck(
            "shadow_outcomes",
            Severity.WARNING,
            "mode shadow, yet with clicks or costs: it was acted on",
            "log the mode live for decisions that were sent",
            lambda log: _is(log, "shadow") & any_outcome(log, "click", "cost", "unsubscribe"),
        ),
        RowCheck(
            "no_user",
            Severity.INFO,
            "no user: taken as independent decisions",
            "log a pseudonymous user, so that intervals are clustered",
            lambda log: np.asarray(log.user < 0),
        ),
        RowCheck(
            "no_time",
            Severity.INFO,
            "no decided_at: cannot be split or narrowed by time",
            "log when each decision was made",
            lambda log: np.asarray(log.decided_at == NO_TIME),
        ),
    ]


def on_hold(log: Log) -> BoolArray:
    """Rows that chose `hold`, shape (n,)."""
    hold = log.code(HOLD)
    return np.zeros(log.rows, dtype=bool) if hold is None else np.asarray(log.arm == hold)


def any_outcome(log: Log, *kinds: str) -> BoolArray:
    """Rows with an outcome of any of these types, shape (n,)."""
    found = np.zeros(log.rows, dtype=bool)
    for kind in kinds:
        found |= log.outcomes.occurred(kind, log.rows) > 0
    return found


def _is(log: Log, mode: str) -> BoolArray:
    return np.asarray(log.mode == MODES.index(mode))
