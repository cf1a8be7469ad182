"""Small logs on disk, as a sweep reads them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from simulator import Log
from simulator.sweep.sweep_log import SweepLog


@pytest.fixture
def sweep_log(tmp_path: Path, log_of: Callable[[Iterable[Mapping[str, Any]]], Log]) -> Callable[..., SweepLog]:
    """Lay records down as files, one for each list."""

    def made(*files: Iterable[Mapping[str, Any]]) -> SweepLog:
        paths = []
        for number, records in enumerate(files):
            path = tmp_path / f"part-{number}.pickle"
            path.write_bytes(pickle.dumps(log_of(records)))
            paths.append(path)
        return SweepLog.of(paths)

    return made
