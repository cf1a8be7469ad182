from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from engine.core.errors import CorruptState, Unavailable, UnsupportedVersion
from engine.core.outcome import Outcome
from engine.journal import DeadLetters, JournalReader, Mark, Position, Positions, SegmentWriter, encode
from engine.journal.chain_reader import ChainReader
from engine.journal.record import VERSION
from engine.journal.segment import frame

After = Callable[[float], datetime]
Click = Callable[[int], Outcome]
Ids = Callable[[Path], list[str]]


def append_raw(path: Path, payload: bytes) -> None:
    """What a faulty writer leaves: a whole frame around bytes of its own."""
    with open(path, "ab") as file:
        file.write(frame(payload, 16))


def test_chains_are_merged_by_time_and_ties_by_name(tmp_path: Path, click: Click, after: After, ids: Ids) -> None:
    writers = [SegmentWriter(tmp_path, name) for name in ("b", "a", "c")]
    for number, (writer, second) in enumerate([(0, 1), (1, 1), (2, 0), (1, 2), (0, 3), (2, 3)]):
        writers[writer].append(click(number), after(second))
    for open_writer in writers:
        open_writer.commit()
    assert ids(tmp_path) == ["o2", "o1", "o0", "o3", "o4", "o5"]
    for open_writer in writers:
        open_writer.close()


def test_outcomes_alone_are_those_of_reading_everything(tmp_path: Path, click: Click, after: After) -> None:
    writers = [SegmentWriter(tmp_path, name, segment_bytes=250) for name in ("a", "b")]
    for number in range(30):
        for writer in writers:
            writer.append(Mark() if number % 3 else click(number), after(number))
            writer.commit()
    append_raw(tmp_path / "a" / "00000001.segment", bytes([2, 2]) + bytes(8) + b"no outcome")
    reader = JournalReader(tmp_path)
    found = [entry.record for _, entry in JournalReader(tmp_path).read() if isinstance(entry.record, Outcome)]
    assert sorted(reader.outcomes(), key=lambda o: o.id) == sorted(found, key=lambda o: o.id)
    assert len(found) == 20
    assert reader.positions == Positions()
    start = reader.positions_before(after(20))
    assert len(start) == 2
    behind = [entry.record for _, entry in JournalReader(tmp_path).read(start) if isinstance(entry.record, Outcome)]
    assert sorted(reader.outcomes(start), key=lambda o: o.id) == sorted(behind, key=lambda o: o.id)
    assert 0 < len(behind) < 20
    assert reader.dead_letters.count == 1
    for writer in writers:
        writer.close()


def test_a_reader_follows_live_writers(tmp_path: Path, click: Click, after: After) -> None:
    writers = [SegmentWriter(tmp_path, name, segment_bytes=250) for name in ("a", "b")]
    reader = JournalReader(tmp_path)
    reached, seen = Positions(), []
    for number in range(40):
        writers[number % 2].append(click(number), after(number))
        writers[number % 2].commit()
        for position, entry in reader.read(reached):
            reached = reached.after(position)
            seen.append(entry.record)
    assert seen == [click(number) for number in range(40)]
    assert reader.positions == reached
    for writer in writers:
        writer.close()


def test_a_half_written_tail_is_read_once_it_is_whole(tmp_path: Path, click: Click, after: After) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    reader = JournalReader(tmp_path)
    path = tmp_path / "w0" / "00000001.segment"
    data = frame(encode(click(1), after(1)), 16)
    for part in (data[:3], data[3:20], data[20:-1]):
        with open(path, "ab") as file:
            file.write(part)
        assert [entry.record for _, entry in reader.read()] == [click(0)]
    with open(path, "ab") as file:
        file.write(data[-1:])
    assert [entry.record for _, entry in reader.read(Positions([writer.position]))] == [click(1)]
    writer.close()


def test_the_watermark_is_that_of_the_slowest_open_chain(tmp_path: Path, click: Click, after: After) -> None:
    fast, slow = SegmentWriter(tmp_path, "fast"), SegmentWriter(tmp_path, "slow")
    reader = JournalReader(tmp_path)
    for second in (1, 5, 9):
        fast.append(click(second), after(second))
    fast.commit()
    list(reader.read())
    assert reader.watermark() == after(9), "a chain without any record is not counted"
    slow.append(Mark(), after(4))
    slow.commit()
    assert reader.watermark() is None, "there are records that were not read"
    list(reader.read(reader.positions))
    assert reader.watermark() == after(4)
    slow.close(after(6))
    assert reader.watermark() == after(4), "what was not read does not count"
    list(reader.read(reader.positions))
    assert reader.watermark() == after(9), "a closed chain holds nothing back"
    fast.close()
    list(reader.read(reader.positions))
    assert reader.watermark() == after(9)
    assert JournalReader(tmp_path).watermark(reader.positions) == after(9), "the same from positions alone"
    reopened = SegmentWriter(tmp_path, "slow")
    reopened.append(Mark(), after(20))
    reopened.commit()
    list(reader.read(reader.positions))
    assert reader.watermark() == after(20)
    reopened.close()


def test_a_record_nobody_understands_is_set_aside_and_counted(
    tmp_path: Path, click: Click, after: After, caplog: pytest.LogCaptureFixture
) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    path = tmp_path / "w0" / "00000001.segment"
    start = path.stat().st_size
    append_raw(path, b"\x01\x02" + bytes(8) + b"[not an outcome")
    end = path.stat().st_size
    append_raw(path, encode(click(1), after(1)))
    reader = JournalReader(tmp_path)
    assert [entry.record for _, entry in reader.read()] == [click(0), click(1)]
    list(reader.read())
    letters = [orjson.loads(line) for line in (tmp_path / "dead_letters.jsonl").read_bytes().splitlines()]
    assert [(x["chain"], x["segment"], x["offset"], x["bytes"]) for x in letters] == [("w0", 1, end, end - start - 16)]
    assert "kind 2" in letters[0]["reason"]
    assert reader.dead_letters.count == 1
    assert DeadLetters(tmp_path / "dead_letters.jsonl").count == 1
    assert "set aside" in caplog.text
    writer.close()


def test_a_newer_record_stops_the_reader(tmp_path: Path, click: Click, after: After) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.commit()
    append_raw(tmp_path / "w0" / "00000001.segment", bytes([VERSION + 1]) + encode(click(1), after(1))[1:])
    reader = JournalReader(tmp_path)
    with pytest.raises(UnsupportedVersion, match=r"00000001\.segment.*upgrade"):
        list(reader.read())
    assert reader.dead_letters.count == 0
    writer.close()


def test_positions_of_another_journal_are_refused(tmp_path: Path, click: Click, after: After) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    writer.append(click(0), after(0))
    writer.close()
    with pytest.raises(CorruptState, match="segment 7"):
        list(JournalReader(tmp_path).read(Positions([Position("w0", 7, 16)])))


def test_a_missing_folder_reads_as_empty(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "none")
    assert list(reader.read()) == []
    assert reader.watermark() is None
    assert not os.path.exists(tmp_path / "none")


def test_a_letter_cut_short_by_a_crash_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "dead_letters.jsonl"
    letters = DeadLetters(path)
    letters.add(Position("w0", 1, 100), b"abc", "first")
    letters.add(Position("w0", 1, 200), b"abc", "second")
    path.write_bytes(path.read_bytes()[:-9])
    again = DeadLetters(path)
    assert again.count == 1
    again.add(Position("w0", 1, 100), b"abc", "first")
    again.add(Position("w0", 1, 200), b"abc", "second")
    assert again.count == DeadLetters(path).count == 2


def test_a_letter_that_cannot_be_written_stops_the_reader(tmp_path: Path, click: Click, after: After) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    append_raw(tmp_path / "w0" / "00000001.segment", b"\x01\x63" + bytes(8))
    reader = JournalReader(tmp_path, DeadLetters(tmp_path / "no" / "folder" / "letters.jsonl"))
    with pytest.raises(Unavailable, match="kind 99"):
        list(reader.read())
    writer.close()


def test_reading_may_begin_shortly_before_a_time(tmp_path: Path, click: Click, after: After) -> None:
    writers = [SegmentWriter(tmp_path, name, segment_bytes=400) for name in ("a", "b")]
    for number in range(60):
        writers[number % 2].append(click(number), after(number // 4))
        writers[number % 2].commit()
    for writer in writers:
        writer.close()
    reader = JournalReader(tmp_path)
    everything = list(reader.read())
    for second in (-1, 0, 1, 7, 8, 14, 99):
        wanted = [item for item in everything if item[1].recorded_at >= after(second)]
        found = list(reader.read(reader.positions_before(after(second))))
        assert [item for item in found if item[1].recorded_at >= after(second)] == wanted
        assert len(found) <= len(wanted) + 2 * 6, "at most a segment a chain too many"


def test_the_watermark_of_closed_chains_is_found_once(
    tmp_path: Path, click: Click, after: After, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, "w0")
    end = writer.append(click(0), after(3))
    writer.commit()
    reader = JournalReader(tmp_path)
    assert reader.watermark(Positions([end])) == after(3)

    def scanning(self: object, at: object) -> None:
        raise AssertionError("the segment is scanned a second time")

    monkeypatch.setattr(ChainReader, "last", scanning)
    assert reader.watermark(Positions([end])) == after(3)
    writer.close()
