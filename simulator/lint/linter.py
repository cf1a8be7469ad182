"""Runs all checks over a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from simulator.lint.check import Check
from simulator.lint.clocks import clock_checks
from simulator.lint.duplicates import duplicate_checks
from simulator.lint.finding import Finding, Severity
from simulator.lint.horizons import YoungDecisions
from simulator.lint.leakage import OutcomeInContext
from simulator.lint.lint_report import LintReport
from simulator.lint.modes import mode_checks
from simulator.lint.not_sent import NotSentByArm
from simulator.lint.outcomes import outcome_checks
from simulator.lint.probabilities import probability_checks
from simulator.lint.propensities import propensity_checks
from simulator.lint.purchase_values import PurchaseValues
from simulator.lint.sample_ratios import SampleRatios
from simulator.lint.seeds import SeededDraws
from simulator.lint.snapshots import RescoredSnapshots
from simulator.lint.support import NeverPlayed
from simulator.log import Log

__all__ = ["chunks_of", "lint_log"]

_CHUNK = 16_384
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def lint_log(chunks: Iterable[Log], snapshots: str | None = None) -> LintReport:
    """Check a log, given in chunks and in its order.

    Args:
        chunks: At least one; memory is that of a chunk and of what checks keep.
        snapshots: Folder of snapshots by campaign and version to score rows with again, or None.

    Returns:
        Findings, worst and then commonest first.
    """
    rescored = None if snapshots is None else RescoredSnapshots(snapshots)
    checks = [*_checks(), *([] if rescored is None else [rescored])]
    rows = decisions = 0
    arms: set[str] = set()
    source, told = "", {}
    for chunk in chunks:
        rows, decisions, source = rows + chunk.rows, decisions + chunk.decisions, chunk.source
        arms.update(chunk.arms)
        told.update(dict.fromkeys(chunk.warnings))
        for check in checks:
            check.add(chunk)
    findings = [finding for check in checks for finding in check.finish()]
    findings += [_reader(warning) for warning in told]
    findings.sort(key=lambda finding: (_ORDER[finding.severity], -finding.decisions, finding.code))
    compared = None if rescored is None else rescored.compared
    return LintReport(source, rows, decisions, len(arms), compared, tuple(findings))


def chunks_of(log: Log) -> Iterator[Log]:
    """Part a log that is in memory into chunks."""
    for start in range(0, log.rows, _CHUNK):
        yield log.take(np.arange(start, min(start + _CHUNK, log.rows)))


def _checks() -> list[Check]:
    return [
        *probability_checks(),
        *propensity_checks(),
        *mode_checks(),
        *duplicate_checks(),
        *clock_checks(),
        *outcome_checks(),
        PurchaseValues(),
        NotSentByArm(),
        OutcomeInContext(),
        YoungDecisions(),
        NeverPlayed(),
        SeededDraws(),
        SampleRatios(),
    ]


def _reader(warning: str) -> Finding:
    return Finding("reader", Severity.INFO, warning, (), 0, "none needed")
