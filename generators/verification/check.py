"""The verbs of everything that verifies copy."""

from __future__ import annotations

from typing import Protocol

from generators.brief import Brief
from generators.channel_limits import FieldLimit
from generators.draft import Draft
from generators.verification.finding import Finding


class Check(Protocol):
    """Looks at one finished string and knows nothing of how it was made."""

    @property
    def name(self) -> str:
        """Short name, kept in findings and provenance."""

    def reasons(self, text: str, brief: Brief, limit: FieldLimit) -> list[str]:
        """Return why this string may not be shown for this brief; empty when it may."""


class DraftCheck(Protocol):
    """Looks at a draft as a whole, where one string alone does not tell."""

    @property
    def name(self) -> str:
        """Short name, kept in findings and provenance."""

    def findings(self, draft: Draft, brief: Brief) -> list[Finding]:
        """Return what speaks against showing the draft; empty when nothing does."""
