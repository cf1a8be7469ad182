"""A disk that takes no more: nothing is acknowledged that is not kept, and health says so."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from engine.client import Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.wiring import open_campaigns, open_journal


def test_a_full_disk_is_told_and_loses_nothing(
    start_server: Callable[..., Any],
    patient: ClientOptions,
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Callable[[int], list[dict[str, Any]]],
) -> None:
    server = start_server()
    acknowledged: set[str] = set()
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        # No file of the server may grow past this size: writing then fails as on a full disk.
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (40_000, 40_000))
        for shopper in shoppers(400):
            answer = client.decide("promo", **shopper)
            if answer.safe:
                break
            acknowledged.add(answer.decision_id)
        assert answer.safe
        assert len(acknowledged) > 10
    assert _status(server.address) == health_pb2.HealthCheckResponse.NOT_SERVING
    server.kill()
    settings = Settings(data=str(server.folder / "data"))
    journal = open_journal(settings, open_campaigns(settings))
    kept = [entry.record.id for _, entry in journal.read() if _is_decision(entry.record)]
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))


def _is_decision(record: object) -> bool:
    return isinstance(record, Decision)


def _status(address: str) -> int:
    """Health, once it is no longer SERVING; the heartbeat finds out within its interval."""
    status: int = health_pb2.HealthCheckResponse.SERVING
    with grpc.insecure_channel(address) as channel:
        ends = time.monotonic() + 10.0
        while status == health_pb2.HealthCheckResponse.SERVING and time.monotonic() < ends:
            status = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5).status
            time.sleep(0.05)
    return status
