"""What lint found in one log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.lint.finding import Finding, Severity

__all__ = ["LintReport"]

SCHEMA = "armsreach.lint.v1"


@dataclass(frozen=True, slots=True)
class LintReport:
    """Findings of a log that can be used, worst first.

    Attributes:
        source: The log.
        rows: Number of rows.
        decisions: Number of decisions: rows times their count.
        arms: Number of arms.
        rescored: Decisions that were scored again with their snapshot, None where that was not asked for.
        findings: What is odd.
    """

    source: str
    rows: int
    decisions: int
    arms: int
    rescored: int | None
    findings: tuple[Finding, ...]

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Take the findings of one severity."""
        return tuple(finding for finding in self.findings if finding.severity is severity)

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {
            "schema": SCHEMA,
            "log": {
                "source": self.source,
                "rows": self.rows,
                "decisions": self.decisions,
                "arms": self.arms,
                "rescored": self.rescored,
            },
            "findings": [finding.to_json() for finding in self.findings],
        }
