"""What is odd in a log that can be used all the same."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray
from simulator.log import HOLD, MODES, NO_TIME, Log

__all__ = ["log_findings"]

_RELATIVE = 1e-4


def log_findings(log: Log) -> list[str]:
    """List what a careful reader would want to know, each with the number of rows and the first of them."""
    several = log.lengths > 1
    holdout = log.mode == MODES.index("holdout")
    hold = log.code(HOLD)
    acted = np.zeros(log.rows, dtype=bool) if hold is None else log.arm != hold
    recorded = log.probabilities[log.chosen_at]
    checks: list[tuple[BoolArray, str]] = [
        (
            ~np.isnan(recorded) & (np.abs(recorded - log.propensity) > _RELATIVE * log.propensity),
            "probabilities disagree with propensity by more than 1e-4 relative; propensity is used",
        ),
        (~several & (log.propensity < 1.0 - 1e-9), "only one eligible arm, yet a propensity below 1"),
        (several & (log.propensity == 1.0), "several eligible arms, yet a propensity of 1: nothing was explored"),
        (holdout & acted, "mode holdout, yet something other than hold was chosen"),
        (log.user < 0, "no user: taken as independent decisions"),
        (log.decided_at == NO_TIME, "no decided_at: cannot be split or narrowed by time"),
    ]
    findings = [
        f"{int(log.count[rows].sum())} decisions: {what} (first {_first(log, rows)})"
        for rows, what in checks
        if rows.any()
    ]
    never = set(range(len(log.arms))) - set(log.arm.tolist())
    if never:
        names = ", ".join(sorted(log.arms[code] for code in never)[:5])
        findings.append(f"{len(never)} eligible arms were never played: {names}")
    return [*log.warnings, *findings]


def _first(log: Log, rows: BoolArray) -> str:
    return str(log.decision_ids[int(np.flatnonzero(rows)[0])])
