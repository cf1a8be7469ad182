"""`python -m engine forget` beside a real server, and what a server's folder and log know of people."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from engine.client import Client, ClientOptions
from engine.config import read_settings
from engine.core.decision import Decision
from engine.core.errors import ArmsreachError, CorruptState, FailedPrecondition
from engine.core.forgotten import is_forgotten
from engine.core.keyed_hash import Domain, KeyedHash
from engine.core.outcome import Outcome, OutcomeType
from engine.pb.armsreach.v1 import delivery_pb2
from engine.service.erasure_request import ErasureRequest
from engine.store.ledger import SqliteLedger
from engine.wiring import open_campaigns, open_journal, open_key, open_retention

KEY = "ab" * 32
PATIENT = ClientOptions(deadline_ms=5_000.0)


def pseudonym(user: str) -> str:
    return KeyedHash(bytes.fromhex(KEY)).digest(Domain.USER, user).hex()


def forget(folder: Path, *arguments: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "engine", "forget", "--data", str(folder / "data"), *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "ARMSREACH_SERVER_KEY": key},
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def holding(folder: Path, *needles: bytes) -> list[str]:
    return [name for name, data in contents(folder).items() if any(needle in data for needle in needles)]


def lines(folder: Path) -> int:
    """Of the audit log."""
    path = folder / "data" / "audit.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def decisions(folder: Path) -> dict[str, Decision]:
    settings = read_settings(None, {}).overridden(data=str(folder / "data"), port=0)
    reader = open_journal(settings, open_campaigns(settings))
    return {e.record.id: e.record for _, e in reader.read() if isinstance(e.record, Decision)}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_shopper_is_forgotten_while_the_server_works(
    start_server: Any, make_settings: Any, shoppers: Callable[[int], list[dict[str, Any]]], workers: int
) -> None:
    server = start_server(workers=workers)
    with Client(server.address, PATIENT) as client:
        client.create_campaign(make_settings())
        answers = [client.decide("promo", **shopper) for shopper in shoppers(40)]
        now = datetime.now(UTC)
        client.report([Outcome(f"o{i}", "promo", OutcomeType.PURCHASE, now, 10.0, user=f"user-{i}") for i in range(8)])
        before = decisions(server.folder)
        embedding = np.asarray(shoppers(4)[3]["embedding"], "<f4").tobytes()
        assert holding(server.folder / "data", pseudonym("user-3").encode())
        assert holding(server.folder / "data", embedding)
        stop, failures = threading.Event(), []

        def shop_on() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    answer = client.decide("promo", f"busy-{number}", [0.0] * 4)
                    assert not answer.safe
                except BaseException as error:
                    failures.append(error)

        busy = threading.Thread(target=shop_on)
        busy.start()
        try:
            (server.folder / "people").write_text("user-5\nuser-6\n")
            done = forget(server.folder, "user-3", "--file", str(server.folder / "people"))
        finally:
            stop.set()
            busy.join(30)
        assert (done.returncode, failures) == (0, []), done.stderr
        assert "3 shoppers forgotten: 6 records" in done.stdout
        gone = [pseudonym(f"user-{i}").encode() for i in (3, 5, 6)]
        assert holding(server.folder / "data", *gone, embedding) == []
        assert holding(server.folder / "data", pseudonym("user-4").encode())
        after = decisions(server.folder)
        forgotten = {answers[i].decision_id for i in (3, 5, 6)}
        for id, decision in before.items():
            if id in forgotten:
                assert is_forgotten(after[id].user)
                assert (after[id].arm, after[id].propensity) == (decision.arm, decision.propensity)
                assert dict(after[id].context.attributes) == {}
            else:
                assert after[id].user == decision.user
        assert len({after[id].user for id in forgotten}) == 3
        # A retry of someone else still finds its decision, at its place.
        assert client.decide("promo", **shoppers(40)[4]).decision_id == answers[4].decision_id, server.log
        again = forget(server.folder, "user-3")
        assert "1 shopper forgotten: 0 records erased in 0 journal files" in again.stdout
    audit = [json.loads(line) for line in (server.folder / "data" / "audit.jsonl").read_text().splitlines()]
    assert [line["what"] for line in audit] == ["forget begun", "forget done"] * 2
    assert sorted(audit[1]["records"].values()) == [2, 2, 2]
    assert audit[1]["who"]
    assert "user-3" not in json.dumps(audit)
    assert not list((server.folder / "data" / "erasing").glob("*.json"))
    assert server.stop() == 0


def test_forgetting_goes_on_after_a_kill_and_without_a_server(
    start_server: Any, make_settings: Any, shoppers: Callable[[int], list[dict[str, Any]]]
) -> None:
    server = start_server()
    with Client(server.address, PATIENT) as client:
        client.create_campaign(make_settings())
        for shopper in shoppers(6):
            client.decide("promo", **shopper)
    server.kill()
    # What a command leaves that was killed right after it asked.
    ErasureRequest.save(server.folder / "data" / "erasing", [pseudonym("user-1")])
    done = forget(server.folder, "user-2")
    assert done.returncode == 0, done.stderr
    assert "2 shoppers forgotten: 2 records" in done.stdout
    assert holding(server.folder / "data", pseudonym("user-1").encode(), pseudonym("user-2").encode()) == []
    again = start_server()
    with Client(again.address, PATIENT) as client:
        assert not client.decide("promo", **shoppers(6)[5]).safe
    assert len(decisions(server.folder)) == 6


def test_forgetting_that_is_killed_again_and_again_ends_well(
    start_server: Any, make_settings: Any, shoppers: Callable[[int], list[dict[str, Any]]]
) -> None:
    server = start_server()
    rng, everybody = random.Random(5), shoppers(60)
    with Client(server.address, PATIENT) as client:
        client.create_campaign(make_settings())
        answers = {shopper["user"]: client.decide("promo", **shopper) for shopper in everybody}
        before = decisions(server.folder)
        begun = unfinished = 0
        for turn in range(8):
            users = [f"user-{i}" for i in range(turn * 5, turn * 5 + 5)]
            command = [sys.executable, "-m", "engine", "forget", "--data", str(server.folder / "data"), *users]
            with subprocess.Popen(
                command, env={"PATH": "/usr/bin:/bin", "ARMSREACH_SERVER_KEY": KEY}, stderr=subprocess.DEVNULL
            ) as process:
                # From the moment it has begun to some time after it is done.
                ends = time.monotonic() + 20
                while lines(server.folder) == begun and time.monotonic() < ends:
                    time.sleep(0.002)
                time.sleep(rng.random() * 0.1)
                process.kill()
            unfinished += (server.folder / "data" / "erasing" / "request.json").exists()
            begun = lines(server.folder)
            assert not client.decide("promo", f"busy-{turn}", [0.0] * 4).safe
        assert unfinished, "no kill came while anything was left to do"
        done = forget(server.folder, *(f"user-{i}" for i in range(40)))
        assert done.returncode == 0, done.stderr
        gone = [pseudonym(f"user-{i}").encode() for i in range(40)]
        assert holding(server.folder / "data", *gone) == []
        after = decisions(server.folder)
        assert set(before) < set(after)
        assert [is_forgotten(after[answers[f"user-{i}"].decision_id].user) for i in range(60)] == [True] * 40 + [
            False
        ] * 20
        assert len({after[answers[f"user-{i}"].decision_id].user for i in range(60)}) == 60
    assert not (server.folder / "data" / "erasing" / "request.json").exists()
    assert server.stop() == 0


def test_a_server_that_hangs_is_named(start_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.core.errors import Unavailable
    from engine.service.clocks import SystemClock
    from engine.service.forgetting import Forgetting

    server = start_server()
    server.process.send_signal(19)  # SIGSTOP
    try:
        forgetting = Forgetting(
            server.folder / "data", KeyedHash(bytes.fromhex(KEY)), SystemClock(), "test", patience_s=0.2
        )
        with pytest.raises(Unavailable, match="worker-0 did not answer"):
            forgetting.forget(["user-1"])
    finally:
        server.process.send_signal(18)
    assert forget(server.folder, "user-1").returncode == 0


def test_forget_says_what_is_wrong(start_server: Any, tmp_path: Path) -> None:
    assert "start `serve` first" in forget(tmp_path, "u").stderr
    server = start_server()
    for arguments, words in (((), "one shopper or more"), (("--file", "/nowhere"), "--file"), (("",), "user")):
        done = forget(server.folder, *arguments)
        assert (done.returncode, words in done.stderr) == (2, True), done.stderr
    other = forget(server.folder, "u", key="cd" * 32)
    assert (other.returncode, "another server key" in other.stderr) == (2, True)


def test_another_key_is_refused(start_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_server().stop()
    refused = start_server(key="cd" * 32, wait=False)
    assert refused.process.wait(20) == 2
    assert "written under another server key" in refused.log
    assert "cd" * 32 not in refused.log
    start_server().stop()
    settings = read_settings(None, {}).overridden(data=str(tmp_path / "fresh"), port=0)
    monkeypatch.delenv("ARMSREACH_SERVER_KEY", raising=False)
    assert open_key(settings) == open_key(settings)
    (tmp_path / "fresh" / "server.key").write_text("x")
    with pytest.raises(CorruptState):
        open_key(settings)
    (tmp_path / "fresh" / "server.key").write_text("ef" * 32)
    with pytest.raises(FailedPrecondition):
        open_key(settings)


def test_retention_waits_for_learners(
    start_server: Any, make_settings: Any, shoppers: Callable[[int], list[dict[str, Any]]]
) -> None:
    server = start_server()
    with Client(server.address, PATIENT) as client:
        client.create_campaign(make_settings())
        for shopper in shoppers(6):
            client.decide("promo", **shopper)
    server.stop()
    start_server().stop()
    settings = read_settings(None, {"ARMSREACH_JOURNAL__KEEP_DAYS": "1e-9", "ARMSREACH_REQUEST_IDS__TTL_S": "1e-6"})
    settings = settings.overridden(data=str(server.folder / "data"), port=0)
    time.sleep(0.01)
    now = datetime.now(UTC)
    campaigns = open_campaigns(settings)
    ledger = SqliteLedger(settings.folder / "ledger.db")
    assert open_retention(settings, campaigns, ledger).remove(now) == 0, (
        "a campaign that was never learned holds everything"
    )
    retention = open_retention(settings, campaigns, ledger)
    retention._holders = ()
    assert retention.remove(now) == 2, "of both runs; what closes the chain stays"
    assert decisions(server.folder) == {}
    again = start_server()
    with Client(again.address, PATIENT) as client:
        assert not client.decide("promo", **shoppers(6)[5]).safe


SECRET_USER = "erika.mustermann@example.org"
SECRET_TEXT = "geheim-attribut-4711"
SECRET_TOKEN = "ar_" + "S3cr3t" * 7


def provoke(act: Callable[[], Any]) -> None:
    with pytest.raises((ArmsreachError, grpc.RpcError)):
        act()


def test_nothing_of_people_or_secrets_is_logged_or_kept(start_server: Any, make_settings: Any) -> None:
    server = start_server(settings='[security]\ntokens = "tokens.toml"\n[limits]\ndecide_kb = 8\n')
    add = [sys.executable, "-m", "engine", "tokens", "add", "all", "--config", str(server.folder / "armsreach.toml")]
    scopes = [f"--scope={s}" for s in ("decide", "report", "campaigns", "models")]
    token = subprocess.run([*add, *scopes], capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    time.sleep(1.2)  # a server looks at its tokens once a second
    embedding = [0.123456789, -0.987654321, 1.5, 2.25]
    who = {"user": SECRET_USER, "embedding": embedding}
    with Client(server.address, ClientOptions(deadline_ms=5_000.0, token=token)) as client:
        client.create_campaign(make_settings())
        good = client.decide(
            "promo",
            **who,
            attributes={"segment": "new"},
            request_id="basket-of-" + SECRET_USER,
            consents=["sms"],
            time_zone="Pacific/Apia",
        )
        assert not good.safe, server.log
        provoke(lambda: client.decide("promo", **who, attributes={"segment": 3.0}))
        provoke(lambda: client.decide("promo", **who, attributes={"age": 1e9}))
        provoke(lambda: client.decide("promo", **who, attributes={"diagnosis": SECRET_TEXT}))
        provoke(lambda: client.decide("promo", SECRET_USER, [*embedding, 1.0]))
        provoke(lambda: client.decide("promo", SECRET_USER, [float("nan")] * 4))
        provoke(lambda: client.decide("promo", SECRET_USER * 100, embedding))
        provoke(lambda: client.decide("nix", **who))
        provoke(lambda: client.decide("promo", "other", embedding, request_id="basket-of-" + SECRET_USER))
        provoke(lambda: client.decide("promo", **who, variants=[SECRET_TEXT]))
        provoke(lambda: client.decide("promo", **who, time_zone=SECRET_TEXT))
        provoke(lambda: client.decide("promo", **who, attributes={"segment": "x" * 9000}))
        outcome = Outcome("o1", "promo", OutcomeType.PURCHASE, datetime(2999, 1, 1, tzinfo=UTC), 1.0, user=SECRET_USER)
        provoke(lambda: client.report([outcome]))
    for wrong in (SECRET_TOKEN, token[:-1] + "_"):
        with Client(server.address, ClientOptions(token=wrong, deadline_ms=5_000.0)) as stranger:
            provoke(lambda: stranger.decide("promo", **who))
    with grpc.insecure_channel(server.address) as channel:
        raw: Any = channel.unary_unary("/armsreach.v1.Delivery/Decide", None, None)
        metadata = (("authorization", f"Bearer {token}"),)
        whole = delivery_pb2.DecideRequest(campaign="promo", **who).SerializeToString()
        provoke(lambda: raw(whole[:-3], timeout=5, metadata=metadata))
        provoke(lambda: raw(b"\xff" + whole, timeout=5, metadata=metadata))
    assert server.stop() == 0
    start_server(settings='[security]\ntokens = "tokens.toml"\n').kill()
    log = server.log
    assert "serving on" in log
    secrets = (
        SECRET_USER,
        SECRET_TEXT,
        SECRET_TOKEN,
        token,
        token[:-1],
        KEY,
        "0.12345",
        "-0.98765",
        "a handler failed",
    )
    assert [secret for secret in (*secrets, pseudonym(SECRET_USER)) if secret in log] == [], log
    assert not re.search(r"Bearer|authorization", log)
    # The folder knows the shopper by pseudonym alone, and of the request what the schema names.
    kept = server.folder / "data"
    assert (
        holding(kept, SECRET_USER.encode(), b"mustermann", b"Apia", SECRET_TEXT.encode(), token.encode(), b"basket")
        == []
    )
    assert holding(kept, KEY.encode(), bytes.fromhex(KEY)) == []
    assert [name.split("/")[0] for name in holding(kept, pseudonym(SECRET_USER).encode())] == ["journal"]
    (decision,) = decisions(server.folder).values()
    assert dict(decision.context.attributes) == {"segment": "new"}
    assert decision.context.embedding.tolist() == np.asarray(embedding, np.float32).tolist()
