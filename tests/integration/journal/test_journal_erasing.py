"""Erasing shoppers, and removing what is too old, from journals that are read and written meanwhile."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import CorruptState
from engine.core.forgotten import forgotten_name
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import (
    JournalReader,
    Mark,
    Position,
    Positions,
    SegmentWriter,
    begin_anew,
    close_orphans,
    erase_users,
    live_chains,
    remove_before,
)

After = Callable[[float], datetime]
WHO, OTHER = "ab" * 16, "cd" * 16


def by(user: str, number: int, at: datetime) -> Outcome:
    return Outcome(f"o{number}", "c", OutcomeType.CLICK, at, user=user)


def write(folder: Path, chain: str, after: After, count: int = 40, **options: Any) -> SegmentWriter:
    writer = SegmentWriter(folder, chain, segment_bytes=600, **options)
    for number in range(count):
        writer.append(by((WHO, OTHER)[number % 2], number, after(0)), after(number))
        writer.commit()
    return writer


def records(folder: Path) -> list[tuple[Position, Any]]:
    return [(position, entry.record) for position, entry in JournalReader(folder).read()]


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_positions_and_other_records_stay(tmp_path: Path, after: After) -> None:
    write(tmp_path, "a", after).close()
    write(tmp_path, "b", after, count=3).close()
    before, name = records(tmp_path), forgotten_name()
    erased = erase_users(tmp_path, {WHO: name})
    assert (erased.records[WHO], erased.open) == (22, [])
    assert erased.segments > 5
    expected = [(p, replace(r, user=name) if getattr(r, "user", "") == WHO else r) for p, r in before]
    assert records(tmp_path) == expected
    assert WHO.encode() not in everything(tmp_path)
    again = erase_users(tmp_path, {WHO: name})
    assert (again.records.total(), again.segments) == (0, 0)
    with_many = {OTHER: forgotten_name()} | {f"{i:032x}": forgotten_name() for i in range(1, 40)}
    assert erase_users(tmp_path, with_many).records == {OTHER: 21}
    assert not (tmp_path / "dead_letters.jsonl").exists()


def test_a_live_chain_is_erased_up_to_its_last_segment(tmp_path: Path, after: After) -> None:
    writer = write(tmp_path, "a", after)
    assert live_chains(tmp_path) == ["a"]
    last = writer.position.segment
    erased = erase_users(tmp_path, {WHO: forgotten_name()})
    assert erased.open == ["a"]
    left = [p.segment for p, r in records(tmp_path) if getattr(r, "user", "") == WHO]
    assert set(left) == {last}
    writer.begin_segment()
    writer.begin_segment()  # nothing was written since: the same one
    writer.append(Mark(), after(100))
    writer.commit()
    assert writer.position.segment == last + 1
    assert erase_users(tmp_path, {WHO: forgotten_name()}).records[WHO] == len(left)
    assert WHO.encode() not in everything(tmp_path)
    writer.append(by(WHO, 100, after(101)), after(101))
    writer.close()
    assert live_chains(tmp_path) == []
    assert [r.id for _, r in records(tmp_path) if getattr(r, "user", "") == WHO] == ["o100"]


def test_a_torn_tail_is_blanked_and_cut_as_ever(tmp_path: Path, after: After) -> None:
    writer = write(tmp_path, "a", after, count=3)
    path = tmp_path / "a" / f"{writer.position.segment:08d}.segment"
    os.close(os.dup(os.open(path, os.O_RDONLY)))
    writer._lock.release()
    writer._file.close()
    writer._closed = True
    with open(path, "ab") as file:
        file.write(b"\xf1AR\x01half a record of " + WHO.encode())
    (tmp_path / "a" / "00000001.torn").write_bytes(WHO.encode())
    erase_users(tmp_path, {WHO: forgotten_name()})
    assert WHO.encode() not in everything(tmp_path)
    assert close_orphans(tmp_path, after(200)) == ["a"]
    assert len([r for _, r in records(tmp_path) if isinstance(r, Outcome)]) == 3


def test_damage_is_named_and_left(tmp_path: Path, after: After) -> None:
    write(tmp_path, "a", after).close()
    path = tmp_path / "a" / "00000002.segment"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptState, match=r"00000002\.segment"):
        erase_users(tmp_path, {WHO: forgotten_name()})
    assert path.read_bytes() == data


def test_a_kill_at_any_file_leaves_a_journal_and_is_made_good(
    tmp_path: Path, after: After, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "a", after).close()
    before, name, real = records(tmp_path), forgotten_name(), os.replace
    for stop_at in range(4):
        left = [stop_at]

        def replace_or_die(source: Any, target: Any, left: list[int] = left) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            real(source, target)

        monkeypatch.setattr(os, "replace", replace_or_die)
        with pytest.raises(KeyboardInterrupt):
            erase_users(tmp_path, {WHO: name})
        assert [p for p, _ in records(tmp_path)] == [p for p, _ in before]
    monkeypatch.setattr(os, "replace", real)
    erase_users(tmp_path, {WHO: name})
    assert [replace(r, user=WHO) if getattr(r, "user", "") == name else r for _, r in records(tmp_path)] == [
        r for _, r in before
    ]
    assert not list(tmp_path.rglob(".*.new"))


def test_readers_and_a_writer_go_on_meanwhile(tmp_path: Path, after: After) -> None:
    writer = write(tmp_path, "a", after, count=200)
    users = [f"{i:032x}" for i in range(1, 21)]
    for number in range(400):
        writer.append(by(users[number % 20], 1000 + number, after(0)), after(300 + number))
    writer.commit()
    problems: list[BaseException] = []
    stop = threading.Event()

    def read_on() -> None:
        try:
            while not stop.is_set():
                ids = [r.id for _, r in records(tmp_path) if isinstance(r, Outcome)]
                assert len(ids) == len(set(ids))
                assert len(ids) >= 600
        except BaseException as error:
            problems.append(error)

    readers = [threading.Thread(target=read_on) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number, user in enumerate(users):
        erase_users(tmp_path, {user: forgotten_name()})
        writer.append(by(OTHER, 2000 + number, after(0)), after(900 + number))
        writer.commit()
    stop.set()
    for reader in readers:
        reader.join(60)
    writer.close()
    assert problems == []
    assert not (tmp_path / "dead_letters.jsonl").exists()


def test_old_segments_go_and_readers_do_not_take_them_for_lost(tmp_path: Path, after: After) -> None:
    write(tmp_path, "a", after).close()
    all_of_it = records(tmp_path)
    removed = remove_before(tmp_path, after(20.5))
    assert removed
    assert removed == [p for p in removed if p.chain == "a"]
    left = records(tmp_path)
    assert left == all_of_it[-len(left) :]
    assert next(r.id for _, r in left if isinstance(r, Outcome)) <= "o21", "a segment with a younger record stays"
    assert left[0][0].segment == removed[-1].segment + 1
    gone = Positions([all_of_it[0][0]])
    assert [p for p, _ in JournalReader(tmp_path).read(gone)] == [p for p, _ in left]
    at_the_edge = Positions([removed[-1]])
    assert [p for p, _ in JournalReader(tmp_path).read(at_the_edge)] == [p for p, _ in left]
    assert JournalReader(tmp_path).watermark(Positions([left[-1][0]])) is not None
    again = SegmentWriter(tmp_path, "a")
    again.append(by(OTHER, 99, after(99)), after(99))
    again.close()
    assert remove_before(tmp_path, after(20.5)) == []
    os.unlink(tmp_path / "a" / f"{left[0][0].segment:08d}.segment")
    with pytest.raises(CorruptState, match="expected segment"):
        list(JournalReader(tmp_path).read(Positions([left[0][0]])))


def test_the_last_segment_and_what_is_held_stay(tmp_path: Path, after: After) -> None:
    write(tmp_path, "a", after).close()
    positions = [p for p, _ in records(tmp_path)]
    middle = positions[len(positions) // 2]
    assert remove_before(tmp_path, after(9999), [Positions()]) == []
    assert remove_before(tmp_path, after(9999), [Positions([middle]), Positions([positions[-1]])])
    assert records(tmp_path)[0][0].segment == middle.segment
    remove_before(tmp_path, after(9999))
    assert {p.segment for p, _ in records(tmp_path)} == {positions[-1].segment}


def test_a_chain_whose_writer_is_gone_grows_old_like_any_other(tmp_path: Path, after: After) -> None:
    """Only its closing mark stays: not one record of a shopper."""
    write(tmp_path, "gone", after).close()
    living = write(tmp_path, "living", after)
    idle = records(tmp_path)
    assert begin_anew(tmp_path, after(39)) == [], "it is not older"
    assert begin_anew(tmp_path, after(40)) == ["gone"]
    assert begin_anew(tmp_path, after(40)) == [], "once is enough"
    reader = JournalReader(tmp_path)
    outcomes = [entry.record for _, entry in reader.read() if isinstance(entry.record, Outcome)]
    assert outcomes == [record for _, record in idle if isinstance(record, Outcome)]
    assert reader.watermark() == after(39)
    remove_before(tmp_path, after(40))
    left = [(p, r) for p, r in records(tmp_path) if p.chain == "gone"]
    assert [r for _, r in left] == [Mark(closed=True)]
    learner = Positions(p for p, _ in idle)  # it had read all there was
    assert [e.record for p, e in JournalReader(tmp_path).read(learner) if p.chain == "gone"] == [Mark(closed=True)]
    back = SegmentWriter(tmp_path, "gone")
    assert back.position.segment > left[0][0].segment
    assert back.recorded_at == after(39)
    back.close()
    living.close()
