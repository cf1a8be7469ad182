"""A real server, scraped."""

import asyncio
import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import grpc
import pytest

from engine.client import Client
from engine.core.errors import ArmsreachError
from engine.pb.armsreach.v1 import delivery_pb2, delivery_pb2_grpc


def test_a_scrape_shows_what_was_done(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server()
    with connect(server) as client:
        client.create_campaign(make_campaign())
        decided = [client.decide("promo", user=f"u{i % 3}", embedding=[0.0] * 4, request_id=f"r{i}") for i in range(12)]
        client.decide("promo", user="u0", embedding=[0.0] * 4, request_id="r0")
        with pytest.raises(ArmsreachError):
            client.decide("promo", user="u0", embedding=[0.0] * 3, request_id="bad")
    found = server.metrics()
    held = sum(decision.arm == "hold" for decision in decided)

    def decisions(state: str) -> float:
        labels = f'arm_state="{state}",campaign="promo",mode="fallback"'
        return found.get(f"armsreach_decisions_total{{{labels}}}", 0.0)

    assert decisions("hold") == held
    assert decisions("approved") == 12 - held
    # Twelve decisions: two arms of the draft are left out each time, and the approved one's on push, without consent.
    assert found['armsreach_exclusions_total{campaign="promo",reason="variant_draft"}'] == 24
    assert found['armsreach_exclusions_total{campaign="promo",reason="no_consent"}'] == 12
    assert found['armsreach_users_total{campaign="promo",group="champion",shares="0/0/0"}'] == 3
    assert found['armsreach_request_seconds_count{code="OK",method="Decide"}'] == 13
    assert found['armsreach_request_seconds_count{code="INVALID_ARGUMENT",method="Decide"}'] == 1
    for stage in ("queue", "decide", "journal"):
        assert found[f'armsreach_stage_seconds_count{{method="Decide",stage="{stage}"}}'] == 12
    assert found["armsreach_records_total"] == 12
    assert found["armsreach_commit_age_seconds"] < 5
    assert 0 <= found["armsreach_request_table_used_ratio"] < 0.1, (
        "twelve ids, of which a sample of slots may hold none"
    )
    assert found['armsreach_worker_decisions_total{worker="0"}'] == 12
    assert found["armsreach_commits_failed_total"] == 0


async def test_calls_that_are_turned_away_are_counted(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server()
    with connect(server) as client:
        client.create_campaign(make_campaign())
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        asked = [
            stub.Decide(delivery_pb2.DecideRequest(campaign="promo", user=f"u{i}", embedding=[0.0] * 4), timeout=60)
            for i in range(2_000)
        ]
        codes = [await call.code() for call in asked]
    heard = codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED)
    found = await asyncio.to_thread(server.metrics)
    assert heard > 0
    assert found['armsreach_shed_total{method="Decide",reason="no_turn"}'] == heard
    assert found['armsreach_request_seconds_count{code="RESOURCE_EXHAUSTED",method="Decide"}'] == heard


def test_learners_and_snapshots_are_shown(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server(learner=True, stale_snapshot_s=0.001)
    short = {"click": 0.2, "unsubscribe": 0.2, "purchase": 0.2, "refund": 0.2, "cost": 0.2, "not_sent": 0.2}
    with connect(server) as client:
        client.create_campaign(make_campaign(windows_s=short, publishing={"every_decisions": 20}))
        for i in range(60):
            client.decide("promo", user=f"u{i}", embedding=[float(i % 2)] * 4, request_id=f"r{i}")
        ends = time.monotonic() + 30
        found = server.metrics()
        while time.monotonic() < ends and not found.get('armsreach_snapshot_learned{campaign="promo"}'):
            client.decide("promo", user="more", embedding=[0.0] * 4, request_id=uuid.uuid4().hex)
            time.sleep(0.2)
            found = server.metrics()
    assert found['armsreach_snapshot_learned{campaign="promo"}'] >= 20
    assert 0 <= found['armsreach_snapshot_age_seconds{campaign="promo"}'] < 40
    assert found['armsreach_learned_decisions{campaign="promo"}'] >= 20
    assert found['armsreach_learner_age_seconds{campaign="promo"}'] < 10
    assert found['armsreach_dead_letters{campaign="promo"}'] == 0
    assert found["armsreach_journal_bytes"] >= found['armsreach_journal_behind_bytes{campaign="promo"}'] >= 0
    assert any(name.startswith('armsreach_snapshot_info{campaign="promo",version="') for name in found)
    leases = {name: value for name, value in found.items() if name.startswith("armsreach_lease_seconds")}
    assert any('lease="learner/promo"' in name and 0 < value <= 30 for name, value in leases.items())
    assert found['armsreach_alarm{campaign="promo",name="snapshot_stale"}'] == 1
    assert server.log.count("alarm snapshot_stale") == 1, "said once"


def test_the_port_answers_under_its_path_alone(watched_server: Callable[..., Any]) -> None:
    server = watched_server()
    with pytest.raises(HTTPError) as caught:
        urlopen(f"http://127.0.0.1:{server.metrics_port}/", timeout=5)
    assert caught.value.code == 404
    caught.value.close()


def test_workers_show_one_sum(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server(workers=2)
    decisions, connections = 0, 0
    with connect(server) as client:
        client.create_campaign(make_campaign())
    time.sleep(0.5)  # the other worker looks for new campaigns every 0.05 s
    ends, found = time.monotonic() + 30, server.metrics()
    workers = [f'armsreach_worker_decisions_total{{worker="{i}"}}' for i in range(2)]
    while time.monotonic() < ends and not all(found.get(worker) for worker in workers):
        with connect(server) as client:
            client.decide("promo", user=f"u{connections % 5}", embedding=[0.0] * 4)
        decisions, connections = decisions + 1, connections + 1
        found = server.metrics()
    time.sleep(1.2)  # a worker's counters are at most a second old elsewhere
    scrapes = [server.metrics() for _ in range(4)]
    for found in scrapes:
        shown = [value for name, value in found.items() if name.startswith("armsreach_decisions_total")]
        assert sum(shown) == decisions
        assert all(found[worker] > 0 for worker in workers)
        users = found['armsreach_users_total{campaign="promo",group="champion",shares="0/0/0"}']
        assert users == min(decisions, 5), "a user who met both workers counts once"


def test_a_killed_workers_counters_do_not_fall_back(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server(workers=2)
    with connect(server) as client:
        client.create_campaign(make_campaign())
        time.sleep(0.5)
        for i in range(40):
            client.decide("promo", user=f"u{i}", embedding=[0.0] * 4)
    time.sleep(1.5)  # left on the board by now
    before = total(server.metrics())
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for pid in children:
        os.kill(int(pid), signal.SIGKILL)
    ends, after = time.monotonic() + 30, -1.0
    while time.monotonic() < ends and after < 0:
        try:
            after = total(server.metrics())
        except OSError:
            time.sleep(0.1)
    assert before == 40
    assert after == 40


def total(found: dict[str, float]) -> float:
    """Decisions of all modes and states."""
    return sum(value for name, value in found.items() if name.startswith("armsreach_decisions_total"))
