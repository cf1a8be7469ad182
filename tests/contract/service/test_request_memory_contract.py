"""What every memory of requests keeps to: the dictionary, and the table in shared memory beside a real journal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.core.arm import HOLD
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.errors import Overloaded, ResourceExhausted
from engine.journal import BatchHead, Position, SegmentWriter, records_at
from engine.journal.arms_of import no_catalogues
from engine.service.recalling import row_finder
from engine.service.request_memory import LocalRequestMemory, RequestMemory, SharedRequestMemory
from engine.store.tables import RequestEntry, RequestTable

AT = datetime(2026, 5, 1, tzinfo=UTC)
TTL_S = 60.0


class Remembering:
    """A memory with the journal behind it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.writer = SegmentWriter(folder, "worker-0", "write", segment_bytes=2_000)
        self.memory: RequestMemory = LocalRequestMemory(TTL_S, 16)
        if kind == "shared":

            def read(entry: RequestEntry) -> list[Decision]:
                place = Position("worker-0", entry.segment, entry.end)
                return [r for r in records_at(folder, place, entry.length) if isinstance(r, Decision)]

            find_row = row_finder(folder, no_catalogues)
            self.memory = SharedRequestMemory(RequestTable(8, TTL_S), TTL_S, 0, read, find_row)

    def write_batch(self, id: bytes, decisions: list[Decision], at: datetime = AT) -> None:
        """As one, under one id."""
        assert self.memory.remember([id], decisions, at) == {}
        before, records = self.writer.end, [BatchHead(id, 0), *decisions]
        positions = self.writer.append_many(records, at)
        self.writer.commit()
        self.memory.settle([id], before, positions[-1:])

    def write(self, decisions: list[Decision], at: datetime = AT) -> list[bytes]:
        ids = [bytes.fromhex(decision.id) for decision in decisions]
        refused = self.memory.remember(ids, decisions, at)
        if refused:
            self.memory.forget([id for i, id in enumerate(ids) if i not in refused])
            raise refused[min(refused)]
        before = self.writer.end
        positions = self.writer.append_many(decisions, at)
        self.writer.commit()
        self.memory.settle(ids, before, positions)
        return ids


def decision(number: int, at: datetime = AT) -> Decision:
    return Decision(
        id=f"{number:08x}" + f"{number:024x}", campaign="promo", user=f"u{number}", decided_at=at, arm=HOLD,
        eligible=(HOLD,), counts=np.array([1 << 24], dtype=np.uint32), chosen_count=1 << 24, seed=number,
        context=Context(np.zeros(2, dtype=np.float32)), mode=Mode.LIVE, catalogue="c", body_digest=f"{number:024x}",
    )  # fmt: skip


@pytest.fixture(params=["local", "shared"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Remembering]:
    return lambda: Remembering(request.param, tmp_path)


def test_finds_what_is_durable(make: Callable[[], Remembering]) -> None:
    kept = make()
    ids = kept.write([decision(i) for i in range(1, 6)])
    more = kept.write([decision(i) for i in range(6, 9)])
    for number, id in enumerate((*ids, *more), start=1):
        found = kept.memory.find(id, AT)
        assert found is not None
        assert (found.id, found.user, found.seed) == (id.hex(), f"u{number}", number)
    assert kept.memory.find(bytes(15) + b"x", AT) is None


def test_a_decision_of_a_batch_is_found_and_gives_back_once(tmp_path: Path) -> None:
    """In the dictionary; the table finds them in the bytes of real batches, in `test_server_restraints`."""
    kept = Remembering("local", tmp_path)
    batch, other = b"batch-01" + bytes(8), b"batch-02" + bytes(8)
    rows = [replace(decision(i), id=(i.to_bytes(8, "big") + batch[:8]).hex()) for i in range(1, 5)]
    kept.write_batch(batch, rows)
    kept.write_batch(other, [replace(decision(9), id=(bytes(8) + other[:8]).hex())])
    for row in rows:
        found = kept.memory.find_row(bytes.fromhex(row.id), AT)
        assert found is not None
        assert (found.id, found.user) == (row.id, row.user)
    id = bytes.fromhex(rows[2].id)
    assert kept.memory.find_row(id[:8] + other[:8], AT) is None
    assert kept.memory.find_row(id[:8] + b"batch-03", AT) is None
    assert kept.memory.find_row(id[:15], AT) is None
    assert kept.memory.find_row(id, AT + timedelta(seconds=TTL_S)) is None
    kept.memory.find_row(id, AT)
    assert kept.memory.give_back_once(id)
    kept.memory.find_row(id, AT)
    assert not kept.memory.give_back_once(id)
    assert not kept.memory.give_back_once(id)
    many = kept.memory.find_many(batch, AT)
    assert many is not None
    assert [one.id for one in many] == [row.id for row in rows]


def test_rows_give_back_once_however_many_a_report_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are looked up before the first gives back, so those at hand may have been dropped."""
    monkeypatch.setattr("engine.service.request_memory._ROWS_AT_HAND", 2)
    table, batch = RequestTable(64, TTL_S), b"batch-01" + bytes(8)
    rows = {i.to_bytes(8, "big") + batch[:8]: decision(i) for i in range(1, 7)}

    def find_row(entry: RequestEntry, id: bytes) -> tuple[RequestEntry, Decision] | None:
        return (entry._replace(id=id), rows[id]) if id in rows else None

    memory = SharedRequestMemory(table, TTL_S, 0, lambda _: [], find_row)
    memory.remember([batch], list(rows.values()), AT)
    memory.settle([batch], Position("worker-0", 1, 16), [Position("worker-0", 1, 900)])
    assert all(memory.find_row(id, AT) is not None for id in rows)
    assert [memory.give_back_once(id) for id in rows] == [True] * 6
    assert [memory.give_back_once(id) for id in rows] == [False] * 6
    assert not memory.give_back_once(bytes(8) + batch[:8])


def test_what_never_became_durable_is_forgotten(make: Callable[[], Remembering]) -> None:
    kept, one = make(), decision(1)
    id = bytes.fromhex(one.id)
    kept.memory.remember([id], [one], AT)
    kept.memory.forget([id])
    assert kept.memory.find(id, AT) is None
    assert kept.write([one]) == [id]
    assert kept.memory.find(id, AT) is not None


def test_is_bounded_and_never_forgets_the_young(make: Callable[[], Remembering]) -> None:
    kept = make()
    ids = kept.write([decision(i) for i in range(1, 17)])
    late = AT + timedelta(seconds=TTL_S - 1)
    with pytest.raises(ResourceExhausted, match="retry later"):
        kept.write([decision(17, late)], late)
    assert all(kept.memory.find(id, AT) for id in ids)
    over = AT + timedelta(seconds=TTL_S)
    assert all(kept.memory.find(id, over) is None for id in ids), "sixty seconds are over for all of them"
    (new,) = kept.write([decision(18, over)], over)
    assert kept.memory.find(new, over) is not None


def test_a_refused_batch_leaves_no_trace(make: Callable[[], Remembering]) -> None:
    kept = make()
    kept.write([decision(i) for i in range(1, 11)])
    several = [decision(i) for i in range(20, 30)]
    with pytest.raises(ResourceExhausted):
        kept.write(several)
    assert all(kept.memory.find(bytes.fromhex(one.id), AT) is None for one in several)
    kept.write(several[:6])


def test_a_decision_that_another_worker_makes_is_not_made_twice(tmp_path: Path) -> None:
    table = RequestTable(8, TTL_S)
    kept = Remembering("local", tmp_path)

    def read(entry: RequestEntry) -> list[Decision]:
        raise AssertionError("nothing is durable yet")

    one, other = (SharedRequestMemory(table, TTL_S, worker, read, lambda *_: None) for worker in (0, 1))
    made = decision(1)
    id = bytes.fromhex(made.id)
    one.remember([id], [made], AT)
    with pytest.raises(Overloaded, match="try again"):
        other.find(id, AT)
    assert "try again" in str(other.remember([id], [made], AT)[0])
    assert table.drop_pending(1) == 0
    assert table.drop_pending(0) == 1, "the first worker was killed"
    other.remember([id], [replace(made)], AT)
    kept.writer.close()
