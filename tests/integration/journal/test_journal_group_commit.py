from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from engine.core.errors import InvalidInput
from engine.core.outcome import Outcome
from engine.journal import GroupCommit, JournalFailed, SegmentWriter

After = Callable[[float], datetime]
Click = Callable[[int], Outcome]
Ids = Callable[[Path], list[str]]


class GatedWriter(SegmentWriter):
    """A real writer whose commits wait until the test lets them go, so that batches form for certain."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "w0")
        self.gate = threading.Semaphore(0)
        self.commits = 0

    def commit(self) -> None:
        assert self.gate.acquire(timeout=30)
        self.commits += 1
        super().commit()

    def open_gate(self) -> None:
        self.gate.release(1_000_000)


async def turn() -> None:
    """Let every task run up to its next wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_arrives_during_a_commit_shares_the_next(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    writer = GatedWriter(tmp_path)
    group = GroupCommit(writer)
    first = asyncio.create_task(group.append(click(0), after(0)))
    await turn()
    rest = [asyncio.create_task(group.append(click(number), after(number))) for number in range(1, 50)]
    await turn()
    assert not first.done()
    writer.open_gate()
    await asyncio.gather(first, *rest)
    assert writer.commits == 2
    assert ids(tmp_path) == [f"o{number}" for number in range(50)]
    await group.close()


async def test_a_cancelled_call_takes_nothing_from_the_others(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    writer = GatedWriter(tmp_path)
    group = GroupCommit(writer)
    calls = [asyncio.create_task(group.append(click(number), after(number))) for number in range(6)]
    await turn()
    late = [asyncio.create_task(group.append(click(number), after(number))) for number in range(6, 12)]
    await turn()
    for doomed in (calls[0], calls[3], late[0], late[5]):
        doomed.cancel()
    await turn()
    writer.open_gate()
    answers = await asyncio.gather(*calls, *late, return_exceptions=True)
    assert sum(isinstance(answer, asyncio.CancelledError) for answer in answers) == 4
    assert len({answer for answer in answers if not isinstance(answer, BaseException)}) == 8
    await group.append(click(12), after(12))
    await group.close()
    assert ids(tmp_path) == [f"o{number}" for number in range(13)]


async def test_a_batch_whose_callers_are_all_gone_is_still_written(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    writer = GatedWriter(tmp_path)
    group = GroupCommit(writer)
    calls = [asyncio.create_task(group.append(click(number), after(number))) for number in range(3)]
    await turn()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    writer.open_gate()
    await group.close()
    assert ids(tmp_path) == ["o0", "o1", "o2"]


async def test_closing_waits_for_what_was_taken(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    writer = GatedWriter(tmp_path)
    group = GroupCommit(writer)
    calls = [asyncio.create_task(group.append(click(number), after(number))) for number in range(3)]
    await turn()
    closing = asyncio.create_task(group.close())
    await turn()
    with pytest.raises(JournalFailed, match="closing"):
        await group.append(click(9), after(9))
    assert not closing.done()
    writer.open_gate()
    await asyncio.gather(*calls, closing)
    await group.close()
    assert ids(tmp_path) == ["o0", "o1", "o2"]


async def test_a_record_that_cannot_be_written_fails_alone(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    group = GroupCommit(SegmentWriter(tmp_path, "w0"))
    answers = await asyncio.gather(
        group.append(click(0), after(0)),
        group.append(click(1), datetime(2026, 1, 1)),
        group.append(click(2), after(2)),
        return_exceptions=True,
    )
    assert isinstance(answers[1], InvalidInput)
    assert await group.append_many([], after(3)) == []
    broken = replace(click(4), id="\ud800")
    with pytest.raises(InvalidInput):
        await group.append_many([click(3), broken, click(5)], after(4))
    await group.close()
    assert ids(tmp_path) == ["o0", "o2"]
