from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import engine
from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, NotFound, Unavailable, UnsupportedVersion
from engine.store import CurrentPointer, Lease, Manifest, SnapshotStore

Make = Callable[..., Manifest]
ROOT = Path(engine.__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(tmp_path, "spring")


def publish(store: SnapshotStore, make: Make, count: int = 1, epoch: int = 1) -> str:
    """Publish versions in a row, each the child of the current one."""
    version = ""
    for _ in range(count):
        current = store.current()
        parent = current.version if current else ""
        version = store.publish(make(parent=parent), b"model", b"compiled", Lease("learn", "me", epoch))
    return version


def test_what_was_published_is_loaded(store: SnapshotStore, make_manifest: Make, tmp_path: Path) -> None:
    assert store.current() is None
    assert store.versions() == []
    version = store.publish(make_manifest(), b"model bytes", b"compiled bytes", Lease("learn", "me", 4))
    snapshot = store.load(version)
    assert (snapshot.compiled, snapshot.model) == (b"compiled bytes", b"model bytes")
    assert snapshot.version == version
    assert snapshot.manifest.epoch == 4
    assert snapshot.manifest.objective == make_manifest().objective
    assert store.current() == CurrentPointer(version, 4, "publish", 4, 1)
    files = {path.name for path in (tmp_path / "spring" / version).iterdir()}
    assert files == {"model.vw", "compiled.npz", "manifest.json"}


def test_versions_are_in_order_of_publishing(store: SnapshotStore, make_manifest: Make) -> None:
    publish(store, make_manifest, 11)
    assert store.versions() == [f"{number:08d}" for number in range(1, 12)]
    pointer = store.current()
    assert pointer is not None
    assert (pointer.version, pointer.sequence) == ("00000011", 11)


def test_only_a_child_of_the_current_snapshot_is_published(store: SnapshotStore, make_manifest: Make) -> None:
    first = publish(store, make_manifest)
    publish(store, make_manifest)
    for parent in ("", first, "unknown"):
        with pytest.raises(FailedPrecondition, match="parent"):
            store.publish(make_manifest(parent=parent, epoch=1), b"m", b"c")
    assert len(store.versions()) == 2


def test_a_version_may_stand_beside_the_champion(store: SnapshotStore, make_manifest: Make) -> None:
    assert store.add(make_manifest(), b"model", b"compiled") == "00000001"
    assert store.current() is None
    champion = store.publish(make_manifest(), b"model", b"compiled", Lease("spring", "h", 5))
    beside = store.add(make_manifest(parent="00000001"), b"other", b"compiled")
    current = store.current()
    assert current is not None
    assert (current.version, beside) == (champion, "00000003")
    assert store.load(beside).manifest.epoch == 5
    assert store.load(beside).model == b"other"
    assert store.promote(beside).version == beside
    assert store.publish(make_manifest(parent=beside), b"model", b"compiled", Lease("spring", "h", 5)) == "00000004"
    with pytest.raises(InvalidInput):
        store.add(make_manifest(campaign="autumn"), b"", b"")


def test_a_stale_epoch_is_fenced_off(store: SnapshotStore, make_manifest: Make) -> None:
    current = publish(store, make_manifest, epoch=5)
    with pytest.raises(FailedPrecondition, match="epoch of at least 5, got 4"):
        store.publish(make_manifest(parent=current), b"m", b"c", Lease("learn", "late", 4))
    store.publish(make_manifest(parent=current), b"m", b"c", Lease("learn", "next", 6))


def test_a_roll_back_is_recorded_and_keeps_the_fence(store: SnapshotStore, make_manifest: Make) -> None:
    old = publish(store, make_manifest, epoch=2)
    new = publish(store, make_manifest, epoch=3)
    pointer = store.roll_back(old, by="someone")
    assert pointer == store.current() == CurrentPointer(old, 2, "rollback", 3, 3, "someone")
    with pytest.raises(FailedPrecondition, match="parent"):
        store.publish(make_manifest(parent=new), b"m", b"c", Lease("learn", "me", 3))
    with pytest.raises(FailedPrecondition, match="epoch"):
        store.publish(make_manifest(parent=old), b"m", b"c", Lease("learn", "late", 2))
    assert store.promote(new).kind == "promote"
    assert publish(store, make_manifest, epoch=3) == "00000003"


def test_unknown_versions_are_not_found(store: SnapshotStore, make_manifest: Make) -> None:
    publish(store, make_manifest)
    for act in (lambda: store.load("00000009"), lambda: store.roll_back("00000009"), lambda: store.promote("00000009")):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(InvalidInput):
        store.load("../other")


@pytest.mark.parametrize("name", ["model.vw", "compiled.npz", "manifest.json"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "remove"])
def test_a_corrupt_snapshot_is_never_served(
    store: SnapshotStore, make_manifest: Make, tmp_path: Path, name: str, harm: str
) -> None:
    good = publish(store, make_manifest)
    bad = publish(store, make_manifest)
    store.roll_back(good)
    path = tmp_path / "spring" / bad / name
    data = path.read_bytes()
    path.unlink()
    if harm != "remove":
        flipped = data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
        path.write_bytes({"flip": flipped, "cut": data[:-1], "empty": b""}[harm])
    for act in (lambda: store.promote(bad), lambda: store.load(bad).model):
        with pytest.raises(CorruptState, match=name):
            act()
    pointer = store.current()
    assert pointer is not None
    assert pointer.version == good, "the pointer stays at the last good one"
    assert store.load(good).compiled == b"compiled"


def test_any_flipped_bit_of_a_manifest_is_seen(store: SnapshotStore, make_manifest: Make, tmp_path: Path) -> None:
    version = publish(store, make_manifest)
    path = tmp_path / "spring" / version / "manifest.json"
    data = path.read_bytes()
    for offset in range(0, len(data), 5):
        flipped = bytearray(data)
        flipped[offset] ^= 1
        path.write_bytes(flipped)
        with pytest.raises(CorruptState):
            store.load(version)


def test_a_version_under_another_name_is_refused(store: SnapshotStore, make_manifest: Make, tmp_path: Path) -> None:
    version = publish(store, make_manifest)
    os.rename(tmp_path / "spring" / version, tmp_path / "spring" / "00000077")
    with pytest.raises(CorruptState, match="manifest of spring 00000077"):
        store.load("00000077")


def test_a_damaged_pointer_is_healed_by_choosing(store: SnapshotStore, make_manifest: Make, tmp_path: Path) -> None:
    version = publish(store, make_manifest, 2, epoch=8)
    (tmp_path / "spring" / "current").write_text("{}")
    with pytest.raises(CorruptState, match="current"):
        store.current()
    with pytest.raises(CorruptState, match="current"):
        store.publish(make_manifest(parent=version), b"m", b"c")
    pointer = store.roll_back("00000001")
    assert pointer.fence == 8, "the fence is found again in the manifests"


def test_a_newer_pointer_is_left_alone(store: SnapshotStore, make_manifest: Make, tmp_path: Path) -> None:
    version = publish(store, make_manifest)
    path = tmp_path / "spring" / "current"
    newer = path.read_bytes().replace(b"current.v1", b"current.v2")
    path.write_bytes(newer)
    with pytest.raises(UnsupportedVersion):
        store.roll_back(version)
    assert path.read_bytes() == newer


def test_a_manifest_of_another_campaign_is_refused(store: SnapshotStore, make_manifest: Make) -> None:
    with pytest.raises(InvalidInput, match="spring"):
        store.publish(make_manifest(campaign="autumn"), b"m", b"c")
    with pytest.raises(InvalidInput, match="campaign"):
        SnapshotStore(Path(), "../up")


def test_a_version_never_changes(store: SnapshotStore, make_manifest: Make) -> None:
    store.publish(make_manifest(version="first"), b"m", b"c")
    with pytest.raises(FailedPrecondition, match="never changes"):
        store.publish(make_manifest(version="first", parent="first"), b"m2", b"c2")
    assert store.load("first").model == b"m"


def test_pruning_keeps_the_newest_and_the_champion(store: SnapshotStore, make_manifest: Make, tmp_path: Path) -> None:
    publish(store, make_manifest, 6)
    store.roll_back("00000002")
    assert store.prune(2) == ["00000001", "00000003", "00000004"]
    assert store.versions() == ["00000002", "00000005", "00000006"]
    assert store.load("00000002").compiled == b"compiled"
    with pytest.raises(InvalidInput):
        store.prune(0)


def test_a_full_disk_changes_nothing(store: SnapshotStore, make_manifest: Make) -> None:
    version = publish(store, make_manifest)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(Unavailable, match="free space"):
            store.publish(make_manifest(parent=version, epoch=1), b"m" * 20_000, b"c")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.versions() == [version]
    publish(store, make_manifest)


PUBLISHER = """
import json, sys
from dataclasses import replace
from pathlib import Path
from engine.core.errors import FailedPrecondition
from engine.store import Manifest, SnapshotStore
store = SnapshotStore(Path(sys.argv[1]), "spring")
manifest = Manifest.from_json(json.loads(sys.argv[2]))
done = 0
for _ in range(5_000):
    current = store.current()
    try:
        store.publish(replace(manifest, parent=current.version if current else ""), b"model" * 9_000, b"compiled")
    except FailedPrecondition:
        continue
    done += 1
    if done == 12:
        break
assert done == 12
"""


def test_publishers_that_race_make_one_line_of_versions(
    store: SnapshotStore, make_manifest: Make, tmp_path: Path
) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", PUBLISHER, str(tmp_path), make_manifest().dumps().decode()],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    seen = set()
    while any(racer.poll() is None for racer in racers):
        current = store.current()
        if current is not None and current.version not in seen:
            assert store.load(current.version).model == b"model" * 9_000
            seen.add(current.version)
    errors = [racer.communicate(timeout=60)[1] for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0], errors
    versions = store.versions()
    assert len(versions) == 24
    assert [store.load(version).manifest.parent for version in versions] == ["", *versions[:-1]]
    assert seen, "a reader followed while they published"


KILLED = """
import os, sys
from pathlib import Path
from engine.store import SnapshotStore, Manifest, snapshots
import json
step = int(sys.argv[2])
manifest = Manifest.from_json(json.loads(sys.argv[3]))
calls = 0
def counted(function):
    def call(*arguments):
        global calls
        if calls == step:
            os._exit(9)
        calls += 1
        return function(*arguments)
    return call
os.fsync, os.rename, os.replace = map(counted, (os.fsync, os.rename, os.replace))
SnapshotStore(Path(sys.argv[1]), "spring").publish(manifest, b"model", b"compiled")
print("done")
"""


def test_a_publisher_killed_at_any_step_leaves_the_old_or_the_new(
    store: SnapshotStore, make_manifest: Make, tmp_path: Path
) -> None:
    good = publish(store, make_manifest)
    outcomes = []
    for step in range(20):
        current = store.current()
        assert current is not None
        manifest = make_manifest(parent=current.version, epoch=1).dumps().decode()
        result = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path), str(step), manifest],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        now = store.current()
        assert now is not None
        assert store.load(now.version).model == b"model"
        for version in store.versions():
            assert store.load(version).compiled == b"compiled"
        outcomes.append(now.version != current.version)
        if result.returncode == 0:
            break
        assert result.returncode == 9, result.stderr
    assert outcomes[-1], "it came to its end"
    assert not outcomes[0]
    assert store.load(good)
    publish(store, make_manifest)
