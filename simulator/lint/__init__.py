"""Checks of decision logs: what is odd in one, where, how often, and what to do about it."""

from simulator.lint.finding import Finding, Severity
from simulator.lint.lint_report import LintReport
from simulator.lint.linter import LINTED, lint_log

__all__ = ["LINTED", "Finding", "LintReport", "Severity", "lint_log"]
