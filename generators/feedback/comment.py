"""One free-text comment as it was handed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment and what it is about.

    Attributes:
        text: What was said.
        line: Where it stood in its file, from 1.
        variant: The copy it is about, or empty.
        decision_id: The decision it follows, or empty.
        user: Who said it, or empty; never written to results.
        at: When; aware, or None.
        language: `en` or `zh`.
        id: The comment's own id, or empty.
    """

    text: str
    line: int
    variant: str = ""
    decision_id: str = ""
    user: str = ""
    at: datetime | None = None
    language: str = "en"
    id: str = ""
