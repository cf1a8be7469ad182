"""Logs made in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest

from simulator import Log, LogBuilder


@pytest.fixture(scope="session")
def log_of() -> Callable[[Iterable[Mapping[str, Any]]], Log]:
    """Make a log of records; what a record leaves out is filled in."""

    def made(records: Iterable[Mapping[str, Any]]) -> Log:
        builder = LogBuilder("memory")
        for line, record in enumerate(records, start=1):
            filled = {"decision_id": f"d{line}", "outcomes": [], "eligible": ["a", "b"], "propensity": 0.5}
            builder.append({**filled, **record}, line)
        return builder.build()

    return made
