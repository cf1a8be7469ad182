from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
import pytest

from engine.core.errors import CorruptState, Unavailable, UnsupportedVersion
from engine.journal import JournalReader, MemoryJournal, Position, Positions
from engine.service.learning_checkpoint import SCHEMA, Checkpoint
from engine.service.learning_dead_letters import LearningDeadLetters

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHECKPOINT = Checkpoint(
    settings="s",
    learned=50,
    matured_at=NOW,
    decision_id="d",
    positions=Positions([Position("w0", 1, 64)]),
    letters=7,
    tallies={"join": {"decisions": 60}, "learning": {"learned": 50}},
    model=b"\x00model",
)


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    path = tmp_path / "learner" / "checkpoint"
    assert Checkpoint.load(path) is None
    CHECKPOINT.save(path)
    CHECKPOINT.save(path)
    assert Checkpoint.load(path) == CHECKPOINT
    assert [item.name for item in path.parent.iterdir()] == ["checkpoint"]


def test_any_flipped_byte_is_noticed():
    data = CHECKPOINT.to_bytes()
    for i in range(len(data)):
        with pytest.raises(CorruptState, match="--rebuild"):
            Checkpoint.from_bytes(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :], "checkpoint")


def test_a_newer_checkpoint_asks_for_an_upgrade(monkeypatch):
    monkeypatch.setattr("engine.service.learning_checkpoint.SCHEMA", "armsreach.checkpoint.v2")
    data = CHECKPOINT.to_bytes()
    monkeypatch.setattr("engine.service.learning_checkpoint.SCHEMA", SCHEMA)
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        Checkpoint.from_bytes(data, "checkpoint")


def test_a_checkpoint_that_cannot_be_written_leaves_the_last_one(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(Unavailable, match="repair the disk"):
        CHECKPOINT.save(blocked / "checkpoint")
    assert blocked.read_text() == "in the way"


def test_dead_letters_are_cut_back_to_a_checkpoint(tmp_path):
    path = tmp_path / "dead_letters.jsonl"
    letters = LearningDeadLetters(path)
    letters.add(Position("w0", 1, 64), "first")
    size = letters.size
    letters.add(Position("w0", 1, 99), "second")
    assert letters.flush() == 2
    again = LearningDeadLetters(path)
    again.cut(size)
    again.add(Position("w0", 1, 99), "second")
    assert again.flush() == 1
    assert [orjson.loads(line)["reason"] for line in path.read_bytes().splitlines()] == ["first", "second"]


def test_dead_letters_that_were_moved_away_begin_anew(tmp_path):
    letters = LearningDeadLetters(tmp_path / "dead_letters.jsonl")
    letters.cut(1_000)
    letters.add(Position("w0", 1, 64), "new")
    letters.flush()
    assert json.loads((tmp_path / "dead_letters.jsonl").read_text())["offset"] == 64


def test_letters_that_do_not_fit_stay_until_they_do(tmp_path):
    folder = tmp_path / "later"
    letters = LearningDeadLetters(folder / "dead_letters.jsonl")
    letters.add(Position("w0", 1, 64), "kept")
    with pytest.raises(Unavailable):
        letters.flush()
    folder.mkdir()
    assert letters.flush() == 1


def test_a_journal_in_memory_teaches_the_same(make_shop, monkeypatch):
    shop = make_shop()
    shop.run(400)
    shop.quiet(1_000)
    memory = MemoryJournal()
    for _, entry in JournalReader(shop.folder / "journal").read():
        memory.append(entry.record, entry.recorded_at)
    memory.commit()
    from_files, from_memory = shop.learning("files"), shop.learning("memory")
    from_memory._reader = memory
    from_files.step()
    from_memory.step()
    assert from_files.learned == from_memory.learned > 100
    assert from_files.to_bytes() == from_memory.to_bytes()
    from_files.close()
    from_memory.close()
