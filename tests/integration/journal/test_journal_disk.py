"""Disks that are full or failing."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from engine.core.errors import FailedPrecondition
from engine.core.outcome import Outcome
from engine.journal import GroupCommit, JournalFailed, JournalReader, Position, Positions, SegmentWriter

After = Callable[[float], datetime]
Click = Callable[[int], Outcome]
Ids = Callable[[Path], list[str]]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The operating system itself refuses to let files grow beyond `size`, in the midst of a write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_acknowledges_nothing_and_leaves_nothing(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    before = writer.position
    for number in range(1, 20):
        writer.append(click(number), after(number))
    with files_of_at_most(before.offset + 150), pytest.raises(JournalFailed, match="File too large"):
        writer.commit()
    assert writer.position == before
    assert ids(tmp_path) == ["o0"], "not even the whole records of the failed commit are read"
    for refused in (writer.commit, lambda: writer.append(click(20), after(20))):
        with pytest.raises(JournalFailed, match="open the chain anew"):
            refused()
    writer.close()
    again = SegmentWriter(tmp_path, "w0")
    assert again.recovery.torn_bytes == 0
    again.append(click(21), after(21))
    again.close()
    assert ids(tmp_path) == ["o0", "o21"]


def test_a_disk_that_fills_while_rolling_takes_the_commit_back(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    writer = SegmentWriter(tmp_path, "w0", segment_bytes=300)
    writer.append(click(0), after(0))
    writer.commit()
    for number in range(1, 12):
        writer.append(click(number), after(number))
    folder = tmp_path / "w0"
    (folder / "00000003.segment").mkdir()  # the third segment cannot be made
    with pytest.raises(JournalFailed):
        writer.commit()
    (folder / "00000003.segment").rmdir()
    writer.close()
    assert ids(tmp_path) == ["o0"]
    SegmentWriter(tmp_path, "w0").close()
    assert ids(tmp_path) == ["o0"]


def test_a_failed_sync_is_never_made_good_by_a_later_one(
    tmp_path: Path, click: Click, after: After, ids: Ids, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    writer.append(click(1), after(1))

    def failing(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(JournalFailed, match="Input/output"):
            writer.commit()
    with pytest.raises(JournalFailed):
        writer.commit()
    assert ids(tmp_path) == ["o0"]
    writer.close()


def test_a_reader_that_was_ahead_of_a_failed_commit_finds_its_way(tmp_path: Path, click: Click, after: After) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    ahead = Positions([Position("w0", 1, writer.position.offset + 70)])
    writer.close()
    segment = tmp_path / "w0" / "00000001.segment"
    os.truncate(segment, ahead["w0"].offset - 70)
    again = SegmentWriter(tmp_path, "w0")
    again.append(click(1), after(1))
    again.close()
    records = [entry.record for _, entry in JournalReader(tmp_path).read(ahead)]
    assert click(1) in records


async def test_group_commit_tells_every_waiter_of_a_full_disk(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    group = GroupCommit(writer)
    await group.append(click(0), after(0))
    with files_of_at_most(writer.position.offset + 10):
        answers = await asyncio.gather(
            *(group.append(click(number), after(number)) for number in range(1, 9)), return_exceptions=True
        )
    assert all(isinstance(answer, JournalFailed) for answer in answers)
    with pytest.raises(JournalFailed):
        await group.append(click(9), after(9))
    await group.close()
    assert ids(tmp_path) == ["o0"]


def test_a_writer_goes_on_once_the_disk_is_well(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    before = writer.position
    writer.reopen()
    assert writer.position == before, "without a failure there is nothing to open anew"
    for number in range(1, 20):
        writer.append(click(number), after(number))
    with files_of_at_most(before.offset + 150):
        with pytest.raises(JournalFailed):
            writer.commit()
        with pytest.raises(JournalFailed):
            writer.append(click(20), after(20))
    with files_of_at_most(4), pytest.raises(JournalFailed):
        writer.reopen()  # not even a header fits
    with pytest.raises(JournalFailed):
        writer.append(click(21), after(21))
    writer.reopen()
    assert writer.position.segment == before.segment + 1
    writer.append(click(22), after(22))
    writer.commit()
    assert ids(tmp_path) == ["o0", "o22"], "what was never acknowledged does not come back"
    with pytest.raises(FailedPrecondition):
        SegmentWriter(tmp_path, "w0")
    writer.close()
    SegmentWriter(tmp_path, "w0").close()


async def test_group_commit_goes_on_once_the_disk_is_well(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    group = GroupCommit(SegmentWriter(tmp_path, "w0"))
    first = await group.append(click(0), after(0))
    with files_of_at_most(first.offset + 50):
        failed = [asyncio.create_task(group.append(click(number), after(number))) for number in range(1, 4)]
        results = await asyncio.gather(*failed, return_exceptions=True)
        assert {type(result) for result in results} == {JournalFailed}
    await group.reopen()
    await group.append(click(9), after(9))
    await group.close()
    assert ids(tmp_path) == ["o0", "o9"]
