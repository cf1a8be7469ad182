from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion
from engine.store import CurrentPointer, Manifest

Make = Callable[..., Manifest]


def document_of(manifest: Manifest) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(manifest.dumps())
    return document


def test_json_round_trip(make_manifest: Make) -> None:
    for manifest in (make_manifest(), make_manifest(watermark=None, checksums={"model.vw": "ab"})):
        assert Manifest.from_json(document_of(manifest)) == manifest


def test_it_says_what_it_is(make_manifest: Make) -> None:
    assert document_of(make_manifest())["schema"] == "armsreach.snapshot.v1"


@pytest.mark.parametrize("schema", ["armsreach.snapshot.v2", "armsreach.snapshot.v10"])
def test_a_newer_schema_names_the_upgrade(make_manifest: Make, schema: str) -> None:
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        Manifest.from_json({**document_of(make_manifest()), "schema": schema})


@pytest.mark.parametrize("document", [None, [], {}, {"schema": "other"}, {"schema": 1}])
def test_a_foreign_document_is_corrupt(document: object) -> None:
    with pytest.raises(CorruptState) as caught:
        Manifest.from_json(document)
    assert not isinstance(caught.value, UnsupportedVersion)


def test_every_missing_field_is_named(make_manifest: Make) -> None:
    whole = document_of(make_manifest())
    for name in set(whole) - {"schema"}:
        with pytest.raises(CorruptState, match=rf"manifest\.{name}: "):
            Manifest.from_json({key: value for key, value in whole.items() if key != name})


def test_a_foreign_field_is_named(make_manifest: Make) -> None:
    with pytest.raises(CorruptState, match=r"manifest\.colour: "):
        Manifest.from_json({**document_of(make_manifest()), "colour": "red"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 1),
        ("epoch", -1),
        ("epoch", True),
        ("positions", []),
        ("watermark", "yesterday"),
        ("created_at", None),
        ("created_at", "2026-03-01T00:00:00"),
        ("horizon_s", {"click": "1"}),
        ("horizon_s", {"click": -1}),
        ("vw", {"version": "9"}),
        ("objective", "click=1"),
        ("learned", 1.5),
        ("checksums", {"model.vw": 3}),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(make_manifest: Make, name: str, value: object) -> None:
    with pytest.raises(CorruptState, match=rf"manifest\.{name}"):
        Manifest.from_json({**document_of(make_manifest()), name: value})


def test_the_digest_covers_everything_but_itself(make_manifest: Make) -> None:
    manifest = make_manifest(checksums={"model.vw": "a"})
    assert manifest.digest() == make_manifest(checksums={"model.vw": "a", "manifest.json": "x"}).digest()
    assert manifest.digest() != make_manifest(checksums={"model.vw": "b"}).digest()
    assert manifest.digest() != make_manifest(checksums={"model.vw": "a"}, learned=1).digest()


def test_what_is_no_json_is_refused(make_manifest: Make) -> None:
    for changes in (
        {"objective": {"scale": float("nan")}},
        {"floor": {"x": {1}}},
        {"created_at": datetime(2026, 1, 1)},
    ):
        with pytest.raises(InvalidInput):
            make_manifest(**changes).dumps()


def test_a_pointer_comes_back_and_no_flipped_bit_is_believed() -> None:
    pointer = CurrentPointer("00000012", 3, "rollback", 7, 41, "someone")
    data, path = pointer.dumps(), Path("current")
    assert CurrentPointer.loads(data, path) == pointer
    for offset in range(len(data)):
        flipped = bytearray(data)
        flipped[offset] ^= 1 << offset % 7
        with pytest.raises(CorruptState):
            CurrentPointer.loads(bytes(flipped), path)
    for size in range(len(data)):
        with pytest.raises(CorruptState):
            CurrentPointer.loads(data[:size], path)


def test_a_newer_pointer_names_the_upgrade() -> None:
    data = CurrentPointer("1", 1, "publish", 1, 1).dumps().replace(b"current.v1", b"current.v2")
    with pytest.raises(UnsupportedVersion, match="upgrade"):
        CurrentPointer.loads(data, Path("current"))


def checked(manifest: Manifest, **sums: str) -> Manifest:
    filled = dataclasses.replace(manifest, checksums=sums)
    return dataclasses.replace(filled, checksums={**sums, "manifest.json": filled.digest()})


@pytest.mark.parametrize("sums", [{"compiled.npz": "ab", "model.vw": "cd"}, {"compiled.npz": "ab"}, {}])
def test_a_whole_file_is_known_by_its_checksum(make_manifest: Make, sums: dict[str, str]) -> None:
    """The manifest's own line is the last of the checksums, the only one, or one among them."""
    manifest = checked(make_manifest(), **sums)
    data = manifest.dumps()
    read = Manifest.from_json(json.loads(data))
    assert read.is_whole(data)
    assert not make_manifest(checksums=sums).is_whole(make_manifest(checksums=sums).dumps()), "without a checksum"
    for place in range(0, len(data), 7):
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert not read.is_whole(changed), place
    assert not read.is_whole(data + b" ")
    assert not read.is_whole(data[:-1])


def test_the_checksum_is_taken_without_writing_the_manifest_anew(
    make_manifest: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = checked(make_manifest(), **{"compiled.npz": "ab", "model.vw": "cd"})
    data = manifest.dumps()

    def never(_: Manifest) -> bytes:
        raise AssertionError

    monkeypatch.setattr(Manifest, "dumps", never)
    assert manifest.is_whole(data)
