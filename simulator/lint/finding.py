"""What lint has to say of a log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """How much a finding matters, worst first."""

    ERROR = "error"
    """Numbers made from the log are wrong."""
    WARNING = "warning"
    """Numbers may be wrong: look before trusting them."""
    INFO = "info"
    """Good to know when reading the numbers."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of oddity, however many rows have it.

    Attributes:
        code: Its name, the same in every version.
        severity: How much it matters.
        text: What is odd, one sentence.
        lines: The first lines that have it, at most five; in Parquet the rows.
        decisions: How many decisions have it.
        remedy: What to do about it, one sentence.
    """

    code: str
    severity: Severity
    text: str
    lines: tuple[int, ...]
    decisions: int
    remedy: str

    def to_json(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "text": self.text,
            "lines": list(self.lines),
            "decisions": self.decisions,
            "remedy": self.remedy,
        }
