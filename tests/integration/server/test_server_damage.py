"""Damaged files under a starting server: a clear word, no damaged model, and all is well once they are restored."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.client import Client, ClientOptions
from engine.config import Settings

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.serving_world import campaign, prepare

Damage = Callable[[bytes], bytes]


def flipped(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[len(data) // 2] ^= 4
    return bytes(changed)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def replace(path: Path, data: bytes) -> None:
    """As a whole: a mapped file must never be cut in place."""
    part = path.with_name("part")
    part.write_bytes(data)
    os.replace(part, path)


def snapshots_of(address: str, options: ClientOptions) -> set[str]:
    with Client(address, options) as client:
        answers = [client.decide("bench", f"u{i}", [0.1] * 64, {"tier": "a"}) for i in range(40)]
    assert not any(answer.safe for answer in answers)
    return {answer.snapshot for answer in answers if answer.mode == "live"}


@pytest.mark.parametrize("damage", [flipped, cut])
@pytest.mark.parametrize("name", ["manifest.json", "compiled.npz", "arms-*.matrix", "current"])
def test_a_damaged_snapshot_is_never_served(
    start_server: Callable[..., Any], patient: ClientOptions, tmp_path: Path, name: str, damage: Damage
) -> None:
    data = tmp_path / "var" / "data"
    prepare(Settings(data=str(data)), campaign(shares={"control": 0.0}))
    folder = data / "snapshots" / "bench"
    (version,) = (path.name for path in folder.iterdir() if path.is_dir())
    server = start_server()
    assert snapshots_of(server.address, patient) == {version}
    assert server.stop() == 0
    (path,) = folder.glob(name) if name == "current" else (folder / version).glob(name)
    good = path.read_bytes()
    replace(path, damage(good))

    again = start_server()
    if name.endswith(".matrix"):  # it can be derived again, and is
        assert snapshots_of(again.address, patient) == {version}
        assert path.read_bytes() == good
    else:
        assert snapshots_of(again.address, patient) == set(), "better uniform than damaged"
        assert "is not served" in again.log
    assert again.stop() == 0
    assert "Traceback" not in again.log
    replace(path, good)
    third = start_server()
    assert snapshots_of(third.address, patient) == {version}
    assert third.stop() == 0


def test_a_torn_tail_is_cut_and_damage_before_it_is_refused(
    start_server: Callable[..., Any],
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Callable[[int], list[dict[str, Any]]],
    patient: ClientOptions,
) -> None:
    server = start_server()
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        before = [client.decide("promo", **shopper) for shopper in shoppers(30)]
    server.kill()
    (segment,) = (server.folder / "data" / "journal" / "worker-0").glob("*.segment")
    good = segment.read_bytes()
    segment.write_bytes(good + good[64:100])  # a write that was cut short

    torn = start_server()
    with Client(torn.address, patient) as client:
        after = [client.decide("promo", **shopper) for shopper in shoppers(30)]
    assert [a.decision_id for a in after] == [b.decision_id for b in before]
    assert torn.stop() == 0
    assert list(segment.parent.glob("*.torn"))

    whole = segment.read_bytes()
    segment.write_bytes(flipped(whole))
    damaged = start_server(wait=False)
    assert damaged.process.wait(30) != 0
    assert str(segment) in damaged.log
    assert "restore the file from a copy" in damaged.log
    assert "Traceback" not in damaged.log
    segment.write_bytes(whole)
    restored = start_server()
    with Client(restored.address, patient) as client:
        last = [client.decide("promo", **shopper) for shopper in shoppers(30)]
    assert [a.decision_id for a in last] == [b.decision_id for b in before]
    assert restored.stop() == 0
