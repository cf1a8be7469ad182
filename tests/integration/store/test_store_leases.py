from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest

import engine
from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput
from engine.store import Lease, SqliteLeases

ROOT = Path(engine.__file__).parents[1]


class Clock(Protocol):
    def now(self) -> datetime: ...
    def move(self, seconds: float) -> None: ...


@pytest.fixture
def leases(tmp_path: Path, clock: Clock) -> Iterator[SqliteLeases]:
    made = SqliteLeases(tmp_path / "leases.db", clock)
    yield made
    made.close()


def test_a_lease_has_one_holder_at_a_time(leases: SqliteLeases) -> None:
    lease = leases.acquire("learn/spring", "a", 10)
    assert lease == Lease("learn/spring", "a", 1)
    leases.check(lease)
    with pytest.raises(FailedPrecondition, match=r"a has it for 10\.0 s"):
        leases.acquire("learn/spring", "b", 10)
    assert leases.acquire("learn/autumn", "b", 10).epoch == 1


def test_a_lease_that_ran_out_passes_on_with_a_higher_epoch(leases: SqliteLeases, clock: Clock) -> None:
    late = leases.acquire("x", "a", 10)
    clock.move(10)
    with pytest.raises(FailedPrecondition, match="no more"):
        leases.check(late)
    lease = leases.acquire("x", "b", 10)
    assert lease.epoch == 2
    for act in (leases.check, leases.renew):
        with pytest.raises(FailedPrecondition, match="a holds epoch 1 no more"):
            act(late)
    leases.release(late)
    leases.check(lease)


def test_renewing_keeps_the_epoch(leases: SqliteLeases, clock: Clock) -> None:
    lease = leases.acquire("x", "a", 10)
    for _ in range(5):
        clock.move(9)
        assert leases.renew(lease) == lease
        leases.check(lease)
    clock.move(11)
    leases.renew(lease)
    leases.check(lease)


def test_a_released_lease_is_free_and_its_epoch_is_not_given_again(leases: SqliteLeases) -> None:
    lease = leases.acquire("x", "a", 10)
    leases.release(lease)
    with pytest.raises(FailedPrecondition):
        leases.renew(lease)
    assert leases.acquire("x", "b", 10).epoch == 2


def test_a_holder_that_starts_again_gets_a_new_epoch(leases: SqliteLeases) -> None:
    first = leases.acquire("x", "a", 10)
    second = leases.acquire("x", "a", 10)
    assert second.epoch == first.epoch + 1
    with pytest.raises(FailedPrecondition):
        leases.check(first)


def test_epochs_outlive_the_process(tmp_path: Path, clock: Clock) -> None:
    for epoch in (1, 2, 3):
        leases = SqliteLeases(tmp_path / "leases.db", clock)
        assert leases.acquire("x", "a", 10).epoch == epoch
        leases.close()


@pytest.mark.parametrize(
    ("name", "holder", "ttl_s"), [("", "a", 1), ("x", "", 1), ("x", "a", 0), ("x", "a", float("nan"))]
)
def test_what_is_no_lease_is_refused(leases: SqliteLeases, name: str, holder: str, ttl_s: float) -> None:
    with pytest.raises(InvalidInput):
        leases.acquire(name, holder, ttl_s)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be looked at as one", b"x" * 8192])
def test_a_foreign_file_is_corrupt(tmp_path: Path, clock: Clock, content: bytes) -> None:
    path = tmp_path / "leases.db"
    path.write_bytes(content)
    with pytest.raises(CorruptState, match=r"leases\.db"):
        SqliteLeases(path, clock)
    assert path.read_bytes() == content


RACER = """
import sys, os
from datetime import datetime, UTC
from pathlib import Path
from engine.core.errors import FailedPrecondition
from engine.store import SqliteLeases

class Wall:
    def now(self):
        return datetime.now(UTC)

sys.stdin.readline()
leases = SqliteLeases(Path(sys.argv[1]), Wall())
won = 0
for _ in range(40):
    try:
        lease = leases.acquire("x", f"process-{os.getpid()}", 60)
    except FailedPrecondition:
        continue
    won += 1
    marker = Path(sys.argv[1] + ".held")
    marker.touch(exist_ok=False)
    print(lease.epoch)
    marker.unlink()
    leases.release(lease)
"""


def test_processes_that_race_never_hold_it_together(tmp_path: Path) -> None:
    path = tmp_path / "leases.db"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], answers
    epochs = [int(line) for out, _ in answers for line in out.split()]
    assert len(epochs) == len(set(epochs)), "an epoch was given twice"
    assert sorted(epochs) == list(range(1, len(epochs) + 1))
    assert len(epochs) >= 40
