from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, Unavailable, UnsupportedVersion
from engine.store import Document, DocumentStore, database

ROOT = Path(engine.__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DocumentStore]:
    made = DocumentStore(tmp_path / "sub" / "documents.db")
    yield made
    made.close()


def test_documents_come_back(store: DocumentStore) -> None:
    assert store.get("campaign", "spring") is None
    body = {"name": "Frühling", "shares": [0.1, 0.9], "nested": {"on": True, "none": None}}
    revision = store.put("campaign", "spring", body)
    assert store.get("campaign", "spring") == Document("campaign", "spring", revision, body)
    assert store.get("catalogue", "spring") is None


def test_a_list_is_of_one_kind_in_order_of_ids(store: DocumentStore) -> None:
    for kind, id_ in [("campaign", "b"), ("catalogue", "c"), ("campaign", "a")]:
        store.put(kind, id_, {"id": id_})
    assert [document.id for document in store.list("campaign")] == ["a", "b"]
    assert store.list("none") == []


def test_a_change_must_know_what_it_changes(store: DocumentStore) -> None:
    first = store.put("campaign", "a", {"n": 1}, expected_revision=0)
    second = store.put("campaign", "a", {"n": 2}, expected_revision=first)
    for stale in (0, first, second + 1):
        with pytest.raises(FailedPrecondition, match=f"expected revision {stale}, found {second}"):
            store.put("campaign", "a", {"n": 3}, expected_revision=stale)
    with pytest.raises(FailedPrecondition, match="found no document"):
        store.put("campaign", "b", {}, expected_revision=4)
    found = store.get("campaign", "a")
    assert found is not None
    assert found.document == {"n": 2}
    assert store.put("campaign", "a", {"n": 4}) > second


def test_one_number_tells_of_any_change(store: DocumentStore, tmp_path: Path) -> None:
    other = DocumentStore(tmp_path / "sub" / "documents.db")
    seen = [other.revision_of_all()]
    for kind, id_ in [("campaign", "a"), ("campaign", "a"), ("catalogue", "x"), ("campaign", "b")]:
        store.put(kind, id_, {})
        seen.append(other.revision_of_all())
    assert seen == sorted(set(seen))
    assert seen[0] == 0
    other.close()


@pytest.mark.parametrize("document", [{"x": float("nan")}, {"x": {1, 2}}, {"x": b"raw"}])
def test_what_is_no_json_is_refused(store: DocumentStore, document: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="JSON"):
        store.put("campaign", "a", document)
    assert store.get("campaign", "a") is None


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    with pytest.raises(CorruptState, match="another program"):
        DocumentStore(path)
    connection = sqlite3.connect(path)
    assert [row[0] for row in connection.execute("SELECT name FROM sqlite_master")] == ["theirs"]
    connection.close()


def test_a_newer_database_names_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    DocumentStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        DocumentStore(path)


def test_a_damaged_database_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    store = DocumentStore(path)
    for number in range(200):
        store.put("campaign", f"c{number}", {"text": "x" * 500})
    store.close()
    data = bytearray(path.read_bytes())
    data[4096:40_960] = b"\xa5" * 36_864
    path.write_bytes(data)
    with pytest.raises(CorruptState, match=r"documents\.db"):
        DocumentStore(path)


def test_a_database_that_stays_locked_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "documents.db"
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    store = DocumentStore(path)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match="locked"):
        store.put("campaign", "a", {})
    locker.execute("ROLLBACK")
    locker.close()
    store.put("campaign", "a", {})
    store.close()


INCREMENTER = """
import sys
from pathlib import Path
from engine.core.errors import FailedPrecondition
from engine.store import DocumentStore
store = DocumentStore(Path(sys.argv[1]))
done = 0
for _ in range(5_000):
    found = store.get("counter", "n")
    try:
        store.put("counter", "n", {"n": (found.document["n"] if found else 0) + 1}, found.revision if found else 0)
    except FailedPrecondition:
        continue
    done += 1
    if done == 30:
        break
assert done == 30
"""


def test_processes_that_race_lose_no_change(tmp_path: Path) -> None:
    path = tmp_path / "documents.db"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", INCREMENTER, str(path)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for _ in range(3)
    ]
    errors = [racer.communicate(timeout=120)[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], errors
    store = DocumentStore(path)
    found = store.get("counter", "n")
    assert found is not None
    assert found.document == {"n": 90}
    assert store.revision_of_all() == 90
    store.close()
