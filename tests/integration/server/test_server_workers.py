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

Shoppers = Callable[[int], list[dict[str, Any]]]


def test_a_request_id_is_decided_once_by_all_workers(
    start_server: Callable[..., Any],
    patient: ClientOptions,
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Shoppers,
) -> None:
    server = start_server(workers=3)
    assert len(server.workers()) == 3
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
    kept = server.decisions()
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
    workers = server.workers()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    ends = time.monotonic() + 20
    while len(set(server.workers()) - set(workers)) < 2 and time.monotonic() < ends:
        time.sleep(0.05)
    with Client(server.address, patient) as client:
        assert client.connect(10.0)
        after = [client.decide("promo", **shopper) for shopper in shoppers(20)]
    assert [(a.decision_id, a.arm) for a in after] == [(b.decision_id, b.arm) for b in before]
    assert server.stop() == 0
    assert len(server.decisions()) == 20


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
    before = set(server.workers())
    server.process.send_signal(signal.SIGHUP)
    ends = time.monotonic() + 30
    while (set(server.workers()) & before or len(server.workers()) < 2) and (time.monotonic() < ends):
        time.sleep(0.1)
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert not set(server.workers()) & before, "all workers are new"
    assert len(answered) > 50
    assert not safe, f"{len(safe)} of {len(answered) + len(safe)} requests failed"


def test_workers_go_with_the_supervisor(start_server: Callable[..., Any]) -> None:
    server = start_server(workers=2)
    workers = server.workers()
    server.kill()
    ends = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < ends:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    again = start_server(workers=2)
    assert again.stop() == 0
