"""More than a server can take: it turns away what it cannot do, lets go of who has gone, and serves the rest."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from engine.client import Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.pb.armsreach.v1 import campaigns_pb2, campaigns_pb2_grpc, delivery_pb2_grpc
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.wiring import open_campaigns, open_journal

StartServer = Callable[..., Any]
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)


@pytest.fixture
def serve(start_server: StartServer, make_settings: Any, patient: ClientOptions) -> StartServer:
    def start(limits: str) -> Any:
        server = start_server(limits=limits)
        with Client(server.address, patient) as client:
            client.create_campaign(make_settings())
        return server

    return start


def request(name: str) -> wire.DecideRequest:
    return wire.DecideRequest(campaign="promo", user=f"user-{name}", request_id=name, embedding=[0.5] * 4)


def rss_mb(server: Any) -> float:
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def descriptors(server: Any) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def kept(server: Any) -> Counter[str]:
    settings = Settings(data=str(server.folder / "data"))
    journal = open_journal(settings, open_campaigns(settings))
    return Counter(entry.record.id for _, entry in journal.read() if isinstance(entry.record, Decision))


def is_answered(server: Any, patient: ClientOptions) -> bool:
    with Client(server.address, patient) as client:
        return not client.decide("promo", "somebody", [0.0] * 4).safe


async def asked(stub: Any, name: str, timeout_s: float) -> wire.DecideResponse | grpc.aio.AioRpcError:
    try:
        return await stub.Decide(request(name), timeout=timeout_s)
    except grpc.aio.AioRpcError as error:
        return error


async def test_what_is_too_much_is_refused_and_the_rest_is_kept(serve: StartServer, patient: ClientOptions) -> None:
    server = serve("max_pending = 8\n")
    results: list[wire.DecideResponse | grpc.aio.AioRpcError] = []
    ends = time.monotonic() + 1.5
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)

        async def keep_asking(who: int) -> None:
            turn = 0
            while time.monotonic() < ends and turn < 2_000:
                results.append(await asked(stub, f"r{who}-{turn}", 20.0))
                turn += 1

        await asyncio.gather(*(keep_asking(who) for who in range(100)))
    answered = [result.decision_id for result in results if isinstance(result, wire.DecideResponse)]
    refused = [result for result in results if not isinstance(result, wire.DecideResponse)]
    told = [rpc_status.from_call(error) for error in refused if error.code() is EXHAUSTED]
    print(
        f"100 callers, max_pending 8: {len(answered)} answered, {len(refused)} refused, {len(told)} told when to retry"
    )
    # What is far too much grpc itself turns away, which knows no better word.
    assert {error.code() for error in refused} <= {EXHAUSTED, grpc.StatusCode.CANCELLED}
    assert len(answered) >= 8
    assert told
    for status in told:
        assert any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)
        assert "server.max_pending" in status.message
    assert is_answered(server, patient)
    assert server.stop() == 0
    counts = kept(server)
    assert set(counts.values()) == {1}
    assert set(answered) <= counts.keys()
    assert len(counts) == len(answered) + 1, "what was refused was not decided"


async def test_a_burst_is_answered(serve: StartServer, patient: ClientOptions) -> None:
    """Calls that come together wait their turn; grpc turns none of them away."""
    server = serve("max_wait_ms = 20000.0\n")
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        burst = [asyncio.create_task(asked(stub, f"b{i}", 30.0)) for i in range(400)]
        results = await asyncio.gather(*burst)
    assert all(isinstance(result, wire.DecideResponse) for result in results)
    assert server.stop() == 0
    assert set(kept(server).values()) == {1}


async def test_a_flood_leaves_the_rest_alone(serve: StartServer, patient: ClientOptions) -> None:
    """Health and campaigns are asked for apart, and never hear of it."""
    server = serve("max_pending = 4\n")
    results: list[wire.DecideResponse | grpc.aio.AioRpcError] = []
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        health, campaigns = health_pb2_grpc.HealthStub(channel), campaigns_pb2_grpc.CampaignsStub(channel)
        for round_ in range(5):
            flood = [asyncio.create_task(asked(stub, f"f{round_}-{i}", 20.0)) for i in range(200)]
            await asyncio.sleep(0.002)
            found = await health.Check(health_pb2.HealthCheckRequest(), timeout=20.0)
            assert found.status == health_pb2.HealthCheckResponse.SERVING
            assert (await campaigns.GetCampaign(campaigns_pb2.GetCampaignRequest(id="promo"), timeout=20.0)).id
            results += await asyncio.gather(*flood)
    refused = [result.code() for result in results if not isinstance(result, wire.DecideResponse)]
    print(f"1,000 in five bursts, max_pending 4: {dict(Counter(refused))} refused")
    assert len(refused) > 100
    assert set(refused) <= {EXHAUSTED, grpc.StatusCode.CANCELLED}
    assert is_answered(server, patient)
    assert server.stop() == 0


async def test_callers_who_go_take_nothing_from_others(serve: StartServer, patient: ClientOptions) -> None:
    server = serve("max_pending = 256\n")
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        for round_ in range(5):
            going = [asyncio.create_task(asked(stub, f"g{round_}-{i}", 0.001 + 0.0005 * i)) for i in range(20)]
            staying = [asyncio.create_task(asked(stub, f"s{round_}-{i}", 20.0)) for i in range(20)]
            cancelled = [asyncio.create_task(asked(stub, f"c{round_}-{i}", 20.0)) for i in range(20)]
            await asyncio.sleep(0.004)
            for task in cancelled:
                task.cancel()
            results = await asyncio.gather(*staying)
            assert all(isinstance(result, wire.DecideResponse) for result in results)
            codes = {r.code() for r in await asyncio.gather(*going) if not isinstance(r, wire.DecideResponse)}
            assert codes <= {grpc.StatusCode.DEADLINE_EXCEEDED}
            await asyncio.gather(*cancelled, return_exceptions=True)
    assert is_answered(server, patient)
    assert server.stop() == 0
    assert set(kept(server).values()) == {1}
    assert "Traceback" not in server.log


async def test_streams_of_silent_senders_end(serve: StartServer) -> None:
    server = serve("max_streams = 3\nstream_idle_s = 0.6\n")
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        silent = [stub.DecideBatch() for _ in range(3)]
        await asyncio.gather(*(call.wait_for_connection() for call in silent))
        await asyncio.sleep(0.1)
        one_too_many = stub.DecideBatch()
        assert await one_too_many.code() is EXHAUSTED
        assert {await call.code() for call in silent} == {grpc.StatusCode.UNAVAILABLE}
        assert "server.stream_idle_s" in await silent[0].details()
        again = stub.DecideBatch()
        await again.write(wire.DecideBatchRequest(campaign="promo", users=["a"], embeddings=bytes(16)))
        answer = await again.read()
        assert len(answer.decision_ids) == 1
        await again.done_writing()
        assert await again.read() is grpc.aio.EOF
    assert "Traceback" not in server.log


async def test_a_reader_who_does_not_read_costs_little_memory(serve: StartServer, patient: ClientOptions) -> None:
    server = serve("stream_idle_s = 30.0\n")
    users = [f"user-{i}" for i in range(2_000)]

    async def endless() -> AsyncIterator[wire.DecideBatchRequest]:
        for part in range(400):
            yield wire.DecideBatchRequest(
                campaign="promo", users=users, embeddings=bytes(16 * len(users)), tag=str(part)
            )

    assert is_answered(server, patient)
    before = rss_mb(server)
    async with grpc.aio.insecure_channel(server.address) as channel:
        call = delivery_pb2_grpc.DeliveryStub(channel).DecideBatch(endless())
        ends = time.monotonic() + 3.0
        while time.monotonic() < ends:
            await asyncio.sleep(0.3)
            assert await asyncio.to_thread(is_answered, server, patient)
        grown = rss_mb(server) - before
        call.cancel()
    print(f"400 batches of 2,000 to a reader who does not read: memory grew by {grown:.0f} MB")
    assert grown < 150


def test_huge_messages_are_refused(serve: StartServer, patient: ClientOptions) -> None:
    server = serve("max_message_mb = 1\n")
    assert is_answered(server, patient)
    before = rss_mb(server)
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.address, options=options) as channel:
        stub = delivery_pb2_grpc.DeliveryStub(channel)
        for size in (2 << 20, 64 << 20):
            with pytest.raises(grpc.RpcError) as caught:
                stub.Decide(wire.DecideRequest(campaign="promo", user="u", embedding_bytes=bytes(size)), timeout=20)
            assert caught.value.code() is EXHAUSTED
    assert is_answered(server, patient)
    grown = rss_mb(server) - before
    print(f"a message of 64 MB: memory grew by {grown:.0f} MB")
    assert grown < 40


def test_a_thousand_idle_connections_are_carried_and_dropped(serve: StartServer, patient: ClientOptions) -> None:
    """`ARMSREACH_CONNECTIONS` asks for more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(int(os.environ.get("ARMSREACH_CONNECTIONS", "1000")), hard - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 200), hard))
    server = serve("keepalive_s = 1.0\nconnection_idle_s = 300.0\n")
    assert is_answered(server, patient)
    before, memory = descriptors(server), rss_mb(server)
    sockets = []
    try:
        for i in range(wanted):
            sockets.append(socket.create_connection(("127.0.0.1", server.port), 10))
            if i % 2:
                sockets[-1].sendall(PREFACE)  # the other half says nothing at all
        began = time.perf_counter()
        assert is_answered(server, patient)
        wait_ms, held = 1e3 * (time.perf_counter() - began), descriptors(server) - before
        grown = rss_mb(server) - memory
    finally:
        for one in sockets:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    ends = time.monotonic() + 20
    while descriptors(server) > before + 5 and time.monotonic() < ends:
        time.sleep(0.1)
    print(f"{wanted} connections, {held} held: {grown:.0f} MB more, a new caller waited {wait_ms:.0f} ms")
    assert descriptors(server) <= before + 5, "what is closed is let go"
    assert is_answered(server, patient)
