"""grpc keeps the calls for which there is no room: a burst waits its turn instead of being refused."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from engine.config import ServerSettings
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1 import delivery_pb2_grpc
from engine.server.channel_options import channel_options
from engine.server.guarded import Guarded, NoWatch, OpenGate
from engine.server.intake import Intake
from engine.server.pending import Pending
from engine.server.refusing import Refusing
from engine.server.unregistered import Unregistered

DECIDE = "/armsreach.v1.Delivery/Decide"
BURST = 40


class Slow(delivery_pb2_grpc.DeliveryServicer):
    """Answers once it may."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def Decide(self, request: wire.DecideRequest, context: Any) -> wire.DecideResponse:  # noqa: N802
        await self.go_on.wait()
        return wire.DecideResponse(request_id=request.request_id)


@asynccontextmanager
async def busy_server(lasting_s: float | None) -> AsyncIterator[tuple[grpc.aio.Server, Slow, list[Any], Any]]:
    """A server with room for four calls, the calls that take it, and a stub; None for no `Intake`."""
    settings, slow = ServerSettings(max_pending=4), Slow()
    pending = Pending(settings.max_pending, "server.max_pending")
    queue = {"grpc.server.max_pending_requests": BURST, "grpc.server.max_pending_requests_hard_limit": BURST}
    server = grpc.aio.server(options=list((dict(channel_options(settings)) | queue).items()))
    server.add_generic_rpc_handlers((Refusing(pending, [DECIDE], NoWatch()),))
    guarded = Guarded(slow, {"Decide": False}, OpenGate(), NoWatch(), pending)
    for name in ("DecideBatch", "ReportOutcomes", "Explain"):
        setattr(guarded, name, getattr(slow, name))
    add: Any = delivery_pb2_grpc.add_DeliveryServicer_to_server
    add(guarded, Unregistered(server, [DECIDE]))
    port = server.add_insecure_port("127.0.0.1:0")
    loop = asyncio.get_running_loop()
    if lasting_s is not None:
        Intake(pending, lasting_s).attend(loop)
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = delivery_pb2_grpc.DeliveryStub(channel)
            first = [stub.Decide(wire.DecideRequest(request_id="first"), timeout=30) for _ in range(4)]
            await asyncio.wait_for(until_full(pending), 20)
            yield server, slow, first, stub
    finally:
        await server.stop(0)
        loop.set_task_factory(None)


async def codes_of_a_burst(lasting_s: float | None) -> Counter[grpc.StatusCode]:
    """What `BURST` calls hear of a server that has no room; None for no `Intake`."""
    async with busy_server(lasting_s) as (_, slow, first, stub):
        burst = [stub.Decide(wire.DecideRequest(request_id=str(i)), timeout=30) for i in range(BURST)]
        _, waiting = await asyncio.wait([asyncio.ensure_future(call.code()) for call in burst], timeout=0.5)
        slow.go_on.set()
        await asyncio.gather(*waiting, *(call.code() for call in first))
        return Counter([await call.code() for call in burst])


async def until_full(pending: Pending) -> None:
    while not pending.full:
        await asyncio.sleep(0.005)


async def test_a_burst_waits_in_grpc_and_is_answered() -> None:
    codes = await codes_of_a_burst(60.0)
    print(dict(codes))
    # One call may have been taken over before the bound was reached, and some come in while the next are let go.
    assert codes[grpc.StatusCode.OK] >= BURST // 2
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED}


async def test_without_an_intake_handlers_refuse_the_burst() -> None:
    codes = await codes_of_a_burst(None)
    assert codes == {grpc.StatusCode.RESOURCE_EXHAUSTED: BURST}


async def test_where_it_lasts_callers_are_told_when_to_come_again() -> None:
    codes = await codes_of_a_burst(0.02)
    assert codes[grpc.StatusCode.RESOURCE_EXHAUSTED] > BURST // 2


async def test_a_server_without_room_can_be_stopped() -> None:
    """While it holds calls back: those under way are cancelled, and those that wait are turned away."""
    async with busy_server(60.0) as (server, _, first, stub):
        waiting = [stub.Decide(wire.DecideRequest(request_id=str(i)), timeout=30) for i in range(6)]
        await asyncio.sleep(0.1)
        await asyncio.wait_for(server.stop(0.1), 10)
        codes = [await asyncio.wait_for(call.code(), 10) for call in (*first, *waiting)]
    assert grpc.StatusCode.OK not in codes
