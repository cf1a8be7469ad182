from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.core.outcome import Outcome, OutcomeType
from engine.journal import JournalReader

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def after() -> Callable[[float], datetime]:
    return lambda seconds: START + timedelta(seconds=seconds)


@pytest.fixture
def click() -> Callable[[int], Outcome]:
    return lambda number: Outcome(f"o{number}", "c", OutcomeType.CLICK, START, decision_id=f"d{number}")


@pytest.fixture
def ids() -> Callable[[Path], list[str]]:
    """Ids of the outcomes in a journal, in the order of reading."""
    return lambda folder: [
        entry.record.id for _, entry in JournalReader(folder).read() if isinstance(entry.record, Outcome)
    ]
