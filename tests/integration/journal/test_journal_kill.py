"""A real writer, killed for real at random points."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import engine
from engine.core.outcome import Outcome
from engine.journal import JournalReader, SegmentWriter, close_orphans

ROOT = Path(engine.__file__).parents[1]
VICTIM = Path(__file__).with_name("journal_victim.py")
TASKS = 4


def killed_run(folder: Path, durability: str, seed: int, first: int, after_acks: int) -> list[str]:
    """Start the writer, kill it after so many acknowledgements, and return all that it gave."""
    with subprocess.Popen(
        [sys.executable, str(VICTIM), str(folder), durability, str(seed), str(first)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().decode().strip() for _ in range(after_acks)]
        process.kill()
        acknowledged += process.stdout.read().decode().split()
    assert all(acknowledged)
    return acknowledged


def written(folder: Path) -> list[str]:
    return [entry.record.id for _, entry in JournalReader(folder).read() if isinstance(entry.record, Outcome)]


@pytest.mark.parametrize("durability", ["fsync", "write"])
def test_every_acknowledged_record_survives_kills(tmp_path: Path, durability: str) -> None:
    chance = random.Random(7)
    acknowledged: list[str] = []
    for run in range(4):
        first = run * 100_000
        acknowledged += killed_run(tmp_path, durability, run, first, chance.randrange(1, 400))
    SegmentWriter(tmp_path, "w0").close()
    found = written(tmp_path)
    assert len(found) == len(set(found)), "a record stands twice"
    assert set(acknowledged) <= set(found), "an acknowledged record is lost"
    for task in range(TASKS):
        numbers = [int(id_.split("-")[1]) for id_ in found if id_.startswith(f"{task}-")]
        assert numbers == sorted(numbers)
    assert len(found) <= len(acknowledged) + 4 * TASKS, "at most one record a task was under way at each kill"


def test_a_killed_writers_chain_can_be_closed_by_another(tmp_path: Path) -> None:
    killed_run(tmp_path, "fsync", 1, 0, 20)
    reader = JournalReader(tmp_path)
    at = datetime(2030, 1, 1, tzinfo=UTC)
    assert not reader.is_closed("w0")
    assert close_orphans(tmp_path, at, keep=["w0"]) == []
    assert close_orphans(tmp_path, at) == ["w0"]
    assert reader.is_closed("w0")
    assert close_orphans(tmp_path, at) == []
    alive = SegmentWriter(tmp_path, "w0")
    alive.close()
