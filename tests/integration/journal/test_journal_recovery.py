from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, UnsupportedVersion
from engine.core.outcome import Outcome
from engine.journal import JournalReader, SegmentWriter

After = Callable[[float], datetime]
Click = Callable[[int], Outcome]
Ids = Callable[[Path], list[str]]


def crashed(folder: Path, click: Click, after: After, commits: list[int]) -> tuple[Path, list[int]]:
    """A chain whose writer ended without closing, after so many records per commit.

    Returns its segment and the offset behind each record.
    """
    writer = SegmentWriter(folder, "w0")
    ends, number = [], 0
    for size in commits:
        for _ in range(size):
            ends.append(writer.append(click(number), after(number)).offset)
            number += 1
        writer.commit()
    path = folder / "w0" / "00000001.segment"
    copy = folder.with_name(f"{folder.name}-crashed")
    shutil.copytree(folder, copy)
    writer.close()
    return copy / path.relative_to(folder), ends


def test_a_tail_torn_at_every_byte_keeps_the_whole_records(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    segment, ends = crashed(tmp_path / "j", click, after, [1, 2])
    data = segment.read_bytes()
    assert len(data) == ends[-1]
    for size in range(len(data)):
        folder = tmp_path / f"torn-{size}"
        torn = folder / "w0" / segment.name
        torn.parent.mkdir(parents=True)
        torn.write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        kept = max((end for end in ends if end <= size), default=16)
        assert len(ids(folder)) == whole, "a reader stops at the torn tail"
        writer = SegmentWriter(folder, "w0")
        assert writer.recovery.torn_bytes == (max(size - kept, 0) if size >= 16 else 0)
        assert writer.recorded_at == (after(whole - 1) if whole else None)
        writer.append(click(99), after(99))
        writer.close()
        assert ids(folder) == [f"o{number}" for number in range(whole)] + ["o99"]
        if size > kept:
            assert torn.with_suffix(".torn").read_bytes() == data[kept:size]
        shutil.rmtree(folder)


def test_a_flipped_bit_is_refused_or_cut_but_never_believed(
    tmp_path: Path, click: Click, after: After, ids: Ids
) -> None:
    segment, ends = crashed(tmp_path / "j", click, after, [1, 1, 1])
    data = segment.read_bytes()
    folder = segment.parents[1]
    for offset in range(len(data)):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << offset % 8
        segment.write_bytes(flipped)
        if offset < ends[-2]:
            with pytest.raises(CorruptState, match=r"00000001\.segment"):
                SegmentWriter(folder, "w0")
            with pytest.raises(CorruptState, match=r"00000001\.segment"):
                ids(folder)
            assert segment.read_bytes() == flipped, "a damaged chain is left as it is"
        else:
            assert ids(folder) == ["o0", "o1"], "the last commit, which nothing proves durable, reads as torn"


def test_a_flaw_names_file_and_offset(tmp_path: Path, click: Click, after: After) -> None:
    segment, ends = crashed(tmp_path / "j", click, after, [1, 1, 1])
    data = bytearray(segment.read_bytes())
    data[ends[0] + 20] ^= 1
    segment.write_bytes(data)
    with pytest.raises(CorruptState, match=rf"offset {ends[0]}: .*restore"):
        SegmentWriter(segment.parents[1], "w0")


def test_a_lost_page_within_the_last_batch_is_a_torn_tail(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    segment, ends = crashed(tmp_path / "j", click, after, [2, 6])
    data = bytearray(segment.read_bytes())
    data[ends[2] : ends[3]] = bytes(ends[3] - ends[2])
    segment.write_bytes(data)
    writer = SegmentWriter(segment.parents[1], "w0")
    assert writer.recovery.torn_bytes == ends[-1] - ends[2]
    writer.close()
    assert ids(segment.parents[1]) == ["o0", "o1", "o2"]


def test_zeros_behind_the_end_are_cut(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    segment, ends = crashed(tmp_path / "j", click, after, [2])
    segment.write_bytes(segment.read_bytes() + bytes(4096))
    assert ids(segment.parents[1]) == ["o0", "o1"]
    SegmentWriter(segment.parents[1], "w0").close()
    assert segment.stat().st_size == ends[-1]


def test_a_cut_in_an_older_segment_is_damage(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    writer = SegmentWriter(tmp_path, "w0", segment_bytes=200)
    for number in range(10):
        writer.append(click(number), after(number))
        writer.commit()
    writer.close()
    segments = sorted((tmp_path / "w0").glob("*.segment"))
    assert len(segments) > 3
    assert ids(tmp_path) == [f"o{number}" for number in range(10)]
    segments[1].write_bytes(segments[1].read_bytes()[:-3])
    with pytest.raises(CorruptState, match=segments[1].name):
        ids(tmp_path)


def test_a_missing_segment_is_damage(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    writer = SegmentWriter(tmp_path, "w0", segment_bytes=200)
    for number in range(10):
        writer.append(click(number), after(number))
    writer.close()
    (tmp_path / "w0" / "00000002.segment").unlink()
    with pytest.raises(CorruptState, match=r"00000002\.segment"):
        ids(tmp_path)
    with pytest.raises(CorruptState, match=r"00000002\.segment"):
        SegmentWriter(tmp_path, "w0")


def test_the_clock_goes_on_after_opening(tmp_path: Path, click: Click, after: After) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(50))
    writer.close()
    again = SegmentWriter(tmp_path, "w0")
    assert again.recorded_at == after(50)
    again.close()
    third = SegmentWriter(tmp_path, "w0")
    third.append(click(1), after(10))
    third.close()
    times = [entry.recorded_at for _, entry in JournalReader(tmp_path).read()]
    assert times == [after(50)] * len(times)


def test_a_second_writer_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    first = SegmentWriter(tmp_path, "w0")
    with pytest.raises(FailedPrecondition, match="only writer"):
        SegmentWriter(tmp_path, "w0")
    other = SegmentWriter(tmp_path, "w1")
    other.close()
    first.close()
    SegmentWriter(tmp_path, "w0").close()


def test_newer_segments_and_foreign_files_are_refused(tmp_path: Path, ids: Ids) -> None:
    path = tmp_path / "w0" / "00000001.segment"
    path.parent.mkdir()
    path.write_bytes(b"ARMSJRNL\x02" + bytes(7))
    for opening in (lambda: SegmentWriter(tmp_path, "w0"), lambda: ids(tmp_path)):
        with pytest.raises(UnsupportedVersion, match="upgrade"):
            opening()
    path.write_bytes(b"PK\x03\x04 something else altogether")
    for opening in (lambda: SegmentWriter(tmp_path, "w0"), lambda: ids(tmp_path)):
        with pytest.raises(CorruptState, match="foreign"):
            opening()


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 101])
def test_a_chain_name_that_is_no_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        SegmentWriter(tmp_path, name)


def test_options_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="segment_bytes"):
        SegmentWriter(tmp_path, "w0", segment_bytes=16)
    with pytest.raises(InvalidInput, match="durability"):
        SegmentWriter(tmp_path, "w0", "later")  # type: ignore[arg-type]
