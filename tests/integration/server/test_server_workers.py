"""Several workers on one port: one answer for one request id, whoever is asked, and whoever is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

from engine.client import Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.wiring import open_campaigns, open_journal

Shoppers = Callable[[int], list[dict[str, Any]]]


def children(pid: int) -> list[int]:
    """Worker processes: forked, so that their command line is their parent's."""
    own = Path(f"/proc/{pid}/cmdline").read_bytes()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            same = (entry / "cmdline").read_bytes() == own
        except OSError:
            continue
        if parent == pid and same:
            found.append(int(entry.name))
    return found


def journalled(server: Any) -> list[Decision]:
    settings = Settings(data=str(server.folder / "data"))
    journal = open_journal(settings, open_campaigns(settings))
    return [entry.record for _, entry in journal.read() if isinstance(entry.record, Decision)]


def test_a_request_id_is_decided_once_by_all_workers(
    start_server: Callable[..., Any],
    patient: ClientOptions,
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Shoppers,
) -> None:
    server = start_server(workers=3)
    assert len(children(server.process.pid)) == 3
    # Each client has a connection of its own, which the kernel gives to one of the workers.
    clients = [Client(server.address, patient) for _ in range(9)]
    clients[0].create_campaign(make_settings())
    time.sleep(0.5)  # other workers look for news several times a second
    answers = [[client.decide("promo", **shopper) for shopper in shoppers(40)] for client in clients]
    assert not any(answer.safe for row in answers for answer in row)
    for same in zip(*answers, strict=True):
        assert len({(answer.decision_id, answer.arm, answer.propensity) for answer in same}) == 1
    for client in clients:
        client.close()
    assert server.stop() == 0
    kept = journalled(server)
    assert len(kept) == 40
    chains = {path.name for path in (server.folder / "data" / "journal").iterdir() if path.is_dir()}
    assert chains == {"worker-0", "worker-1", "worker-2"}


def test_a_killed_worker_comes_back_and_loses_nothing(
    start_server: Callable[..., Any],
    patient: ClientOptions,
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Shoppers,
) -> None:
    server = start_server(workers=2)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        time.sleep(0.5)
        before = [client.decide("promo", **shopper) for shopper in shoppers(20)]
    workers = children(server.process.pid)
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    ends = time.monotonic() + 20
    while len(set(children(server.process.pid)) - set(workers)) < 2 and time.monotonic() < ends:
        time.sleep(0.05)
    with Client(server.address, patient) as client:
        assert client.connect(10.0)
        after = [client.decide("promo", **shopper) for shopper in shoppers(20)]
    assert [(a.decision_id, a.arm) for a in after] == [(b.decision_id, b.arm) for b in before]
    assert server.stop() == 0
    assert len(journalled(server)) == 20


def test_a_rolling_restart_fails_no_request(
    start_server: Callable[..., Any],
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Shoppers,
) -> None:
    server = start_server(workers=2)
    options = ClientOptions(deadline_ms=5_000.0)
    with Client(server.address, options) as client:
        client.create_campaign(make_settings())
    time.sleep(0.5)
    stop, safe, answered = threading.Event(), [], []

    def ask(thread: int) -> None:
        with Client(server.address, options) as client:
            for i, shopper in enumerate(cycle(shoppers(100))):
                if stop.is_set():
                    return
                request = {**shopper, "request_id": f"{thread}-{i}"}
                answer = client.decide("promo", **request)
                (safe if answer.safe else answered).append(answer)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    before = set(children(server.process.pid))
    server.process.send_signal(signal.SIGHUP)
    ends = time.monotonic() + 30
    while (set(children(server.process.pid)) & before or len(children(server.process.pid)) < 2) and (
        time.monotonic() < ends
    ):
        time.sleep(0.1)
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert not set(children(server.process.pid)) & before, "all workers are new"
    assert len(answered) > 50
    assert not safe, f"{len(safe)} of {len(answered) + len(safe)} requests failed"


def test_workers_go_with_the_supervisor(start_server: Callable[..., Any]) -> None:
    server = start_server(workers=2)
    workers = children(server.process.pid)
    server.kill()
    ends = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    again = start_server(workers=2)
    assert again.stop() == 0
