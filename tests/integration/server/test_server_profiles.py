"""A request without an embedding is decided by the shopper's profile, and the journal holds what was used."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("implicit", reason="the extra profiles is not installed")

from engine.client import Batch, Client, ClientOptions
from engine.core.errors import InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles import ProfileStore

KEY = "0b" * 32
Settings = Callable[..., dict[str, Any]]


def pseudonym(user: str) -> str:
    return KeyedHash(bytes.fromhex(KEY)).digest(Domain.USER, user).hex()


def build(folder: Path, data: Path, users: range, *, key: str = KEY, dimension: int = 4) -> None:
    events = folder.with_name(f"events-{users.start}.csv")
    rows = [
        f"u{u},tea-{(u + k) % 5},view,2026-01-{1 + k:02d}T10:{u % 60:02d}:00Z" for u in users for k in range(1 + u % 6)
    ]
    events.write_text("user,item,type,at\n" + "\n".join(rows) + "\n")
    command = [sys.executable, "-m", "engine", "profiles", "build", str(events), "-o", str(folder)]
    done = subprocess.run(
        [*command, "--data", str(data), "--dimension", str(dimension)],
        env={**os.environ, "ARMSREACH_SERVER_KEY": key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def used(server: Any) -> dict[str, list[np.ndarray]]:
    found: dict[str, list[np.ndarray]] = {}
    for decision in server.decisions():
        found.setdefault(decision.user, []).append(decision.context.embedding)
    return found


def test_profiles_fill_in_what_requests_leave_out(
    tmp_path: Path, start_server: Callable[..., Any], make_settings: Settings, patient: ClientOptions
) -> None:
    folder = tmp_path / "profiles"
    build(folder, tmp_path / "var" / "data", range(40))
    store = ProfileStore(folder)
    server = start_server(settings=f'[profiles]\nfolder = "{folder}"\n', key=KEY)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        client.decide("promo", "u3", request_id="r")
        client.decide("promo", "u3", request_id="r")
        client.decide("promo", "u4", np.ones(4))
        client.decide("promo", "stranger")
        list(client.decide_batch([Batch("promo", ["u5", "nobody"], np.empty((2, 0), np.float32))]))
        client.decide("promo", "u45")
        build(folder, tmp_path / "var" / "data", range(40, 60))
        newer = ProfileStore(folder)
        deadline = time.monotonic() + 20
        for number in range(400):
            client.decide("promo", "u45", request_id=f"n{number}")
            if used(server)[pseudonym("u45")][-1].any() or time.monotonic() > deadline:
                break
            time.sleep(0.05)
    found = used(server)
    assert np.array_equal(found[pseudonym("u3")], [store.embedding(pseudonym("u3"))])
    assert np.array_equal(found[pseudonym("u4")], [np.ones(4)])
    assert np.array_equal(found[pseudonym("stranger")], [np.zeros(4)])
    assert np.array_equal(found[pseudonym("u5")], [store.embedding(pseudonym("u5"))])
    assert np.array_equal(found[pseudonym("nobody")], [np.zeros(4)])
    assert not found[pseudonym("u45")][0].any()
    assert np.array_equal(found[pseudonym("u45")][-1], newer.embedding(pseudonym("u45")))


def test_profiles_that_do_not_fit_are_refused(
    tmp_path: Path, start_server: Callable[..., Any], make_settings: Settings, patient: ClientOptions
) -> None:
    folder, wide = tmp_path / "profiles", tmp_path / "wide"
    build(folder, tmp_path / "other", range(40), key="0c" * 32)
    refused = start_server("foreign", settings=f'[profiles]\nfolder = "{folder}"\n', key=KEY, wait=False)
    assert refused.process.wait(20) != 0
    assert "do not know shoppers by this server's pseudonyms" in refused.log
    absent = start_server("absent", settings='[profiles]\nfolder = "nowhere"\n', key=KEY, wait=False)
    assert absent.process.wait(20) != 0
    assert "nowhere" in absent.log
    build(wide, tmp_path / "var" / "data", range(40), dimension=8)
    server = start_server(settings=f'[profiles]\nfolder = "{wide}"\n', key=KEY)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        with pytest.raises(InvalidInput, match="4 dimensions and the profiles have 8"):
            client.decide("promo", "u3")
        with pytest.raises(InvalidInput, match="4 dimensions and the profiles have 8"):
            list(client.decide_batch([Batch("promo", ["u5"], np.empty((1, 0), np.float32))]))


def test_without_profiles_an_embedding_must_come(
    client: Client, shoppers: Callable[[int], list[dict[str, Any]]]
) -> None:
    with pytest.raises(InvalidInput, match="expected 4 numbers, got 0"):
        client.decide("promo", "u1")
    with pytest.raises(InvalidInput, match="no profiles"):
        list(client.decide_batch([Batch("promo", ["u1"], np.empty((1, 0), np.float32))]))
