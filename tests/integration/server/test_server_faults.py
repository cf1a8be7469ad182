"""Disks that fail under a running server: it refuses clearly, says so, and goes on once they are well again."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from engine.client import Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.core.outcome import Outcome
from engine.wiring import open_campaigns, open_journal

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
QUICK = ClientOptions(deadline_ms=400.0, report_every_s=0.1)


def until_health(address: str, wanted: int, within_s: float = 15.0) -> None:
    status, ends = -1, time.monotonic() + within_s
    with grpc.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while status != wanted:
            assert time.monotonic() < ends, f"health stays {status}"
            status = stub.Check(health_pb2.HealthCheckRequest(), timeout=5).status
            time.sleep(0.02)


def kept(server: Any) -> tuple[Counter[str], Counter[str]]:
    settings = Settings(data=str(server.folder / "data"))
    records = [entry.record for _, entry in open_journal(settings, open_campaigns(settings)).read()]
    decisions = Counter(record.id for record in records if isinstance(record, Decision))
    return decisions, Counter(record.id for record in records if isinstance(record, Outcome))


def live_through(
    server: Any, shoppers: list[dict[str, Any]], break_it: Callable[[], None], mend_it: Callable[[], None]
):
    """Decide, break the disk, hear of it, mend it, and decide on; returns what was acknowledged."""
    told: dict[str, Any] = {}
    with Client(server.address, QUICK) as client:

        def ask(some: list[dict[str, Any]]) -> int:
            answers = [client.decide("promo", **shopper) for shopper in some]
            told.update({answer.request_id: answer for answer in answers if not answer.safe})
            return sum(answer.safe for answer in answers)

        third = len(shoppers) // 3
        assert ask(shoppers[:third]) == 0
        break_it()
        until_health(server.address, NOT_SERVING)
        assert ask(shoppers[third : third + 5]) == 5, "nothing is acknowledged that cannot be kept"
        mend_it()
        until_health(server.address, SERVING)
        assert client.flush(5.0), "what was answered meanwhile is told of"
        assert ask(shoppers[2 * third :]) == 0, "the running server goes on"
        again = [client.decide("promo", **shopper) for shopper in shoppers[:third]]
    assert [a.decision_id for a in again] == [told[a.request_id].decision_id for a in again]
    return {answer.decision_id for answer in told.values()}


@pytest.mark.parametrize(
    "fault", [f"sync {errno.EIO}", f"write {errno.ENOSPC}", f"write {errno.EROFS}"], ids=["fsync", "full", "read-only"]
)
def test_a_server_lives_through_a_failing_disk(
    start_server: Callable[..., Any],
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Callable[[int], list[dict[str, Any]]],
    shim: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    fault: str,
) -> None:
    switch = tmp_path / "fault"
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("FAULT_FILE", str(switch))
    server = start_server()
    monkeypatch.delenv("LD_PRELOAD")
    with Client(server.address, ClientOptions(deadline_ms=5_000.0)) as client:
        client.create_campaign(make_settings())
    told = live_through(server, shoppers(60), lambda: switch.write_text(fault) and None, switch.unlink)
    assert "decisions and outcomes are refused" in server.log
    assert "in a new segment" in server.log
    assert "Traceback" not in server.log
    if "full" in request.node.callspec.id:
        switch.write_text(fault)
        until_health(server.address, NOT_SERVING)
        server.kill()
    else:
        assert server.stop() == 0
    decisions, outcomes = kept(server)
    assert told <= decisions.keys()
    assert set(decisions.values()) | set(outcomes.values()) <= {1}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_server_lives_through_a_full_disk(
    small_disk: Path,
    start_server: Callable[..., Any],
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Callable[[int], list[dict[str, Any]]],
) -> None:
    server = start_server("small")
    with Client(server.address, ClientOptions(deadline_ms=5_000.0)) as client:
        client.create_campaign(make_settings())
    ballast = small_disk / "ballast"

    def fill() -> None:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        with Client(server.address, QUICK) as client:
            for i in range(200):  # heartbeats alone fill the last page slowly
                if client.decide("promo", f"filler-{i}", [0.0] * 4).safe:
                    return

    told = live_through(server, shoppers(60), fill, ballast.unlink)
    assert server.stop() == 0
    decisions, _ = kept(server)
    assert told <= decisions.keys()
    assert set(decisions.values()) == {1}
