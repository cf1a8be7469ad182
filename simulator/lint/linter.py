"""Runs all checks over a log."""

from __future__ import annotations

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
from simulator.log_source import LogSource

__all__ = ["LINTED", "lint_log"]

#: Fields beyond those a replay reads.
LINTED = ("campaign", "policy", "seed")
_ORDER = {severity: place for place, severity in enumerate(Severity)}


def lint_log(log: LogSource, snapshots: str | None = None) -> LintReport:
    """Check a log, chunk by chunk and in its order.

    Args:
        log: The log; memory is that of a chunk and of what checks keep.
        snapshots: Folder of snapshots by campaign and version to score rows with again, or None.

    Returns:
        Findings, worst and then commonest first.
    """
    rescored = None if snapshots is None else RescoredSnapshots(snapshots)
    checks = [*_checks(), *([] if rescored is None else [rescored])]
    rows = decisions = 0
    for chunk in log.chunks():
        rows, decisions = rows + chunk.rows, decisions + chunk.decisions
        for check in checks:
            check.add(chunk)
    findings = [finding for check in checks for finding in check.finish()]
    findings += [_reader(warning) for warning in log.warnings]
    findings.sort(key=lambda finding: (_ORDER[finding.severity], -finding.decisions, finding.code))
    compared = None if rescored is None else rescored.compared
    return LintReport(log.source, rows, decisions, len(log.arms), compared, tuple(findings))


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
