"""What a caller may be allowed to do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One group of calls."""

    DECIDE = "decide"
    REPORT = "report"
    CAMPAIGNS = "campaigns"
    MODELS = "models"
    METRICS = "metrics"
