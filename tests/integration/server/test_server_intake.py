"""Real calls, taken over by `Intake` from grpc's core."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from engine.config import ServerSettings
from engine.core.errors import ResourceExhausted
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1 import delivery_pb2_grpc
from engine.server.channel_options import channel_options
from engine.server.grpc_calls import BareServer, GrpcCalls
from engine.server.guarded import NoWatch
from engine.server.intake import Intake
from engine.server.statuses import status_of

DECIDE = "/armsreach.v1.Delivery/Decide"
MOST = 4


class Slow(delivery_pb2_grpc.DeliveryServicer):
    """Answers once it may."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.under_way = self.most = self.cancelled = 0

    async def Decide(self, request: wire.DecideRequest, context: Any) -> wire.DecideResponse:  # noqa: N802
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1
        if request.request_id == "wrong":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "wrong")
        return wire.DecideResponse(request_id=request.request_id)

    async def Explain(self, request: wire.ExplainRequest, context: Any) -> wire.ExplainResponse:  # noqa: N802
        return wire.ExplainResponse()


@asynccontextmanager
async def serving(patience_s: float) -> AsyncIterator[tuple[BareServer, Intake, Slow, Any]]:
    """A server that lets four calls of `Decide` begin, and a stub; its other methods are those of `grpc.aio`."""
    slow = Slow()
    server = BareServer(channel_options(ServerSettings()), [DECIDE])
    intake = Intake(
        GrpcCalls(server, status_of(ResourceExhausted("full; try again later"))), [DECIDE], MOST, patience_s, NoWatch()
    )
    delivery_pb2_grpc.add_DeliveryServicer_to_server(slow, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    intake.begin()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield server, intake, slow, delivery_pb2_grpc.DeliveryStub(channel)
    finally:
        intake.end()
        await server.stop(0)
        await intake.close()


def asks(stub: Any, count: int, name: str = "") -> list[Any]:
    return [stub.Decide(wire.DecideRequest(request_id=f"{name}{i}"), timeout=30) for i in range(count)]


async def until(seen: Any) -> None:
    for _ in range(4_000):
        if seen():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it did not come to pass")


async def test_a_burst_is_answered_a_few_at_a_time() -> None:
    async with serving(60.0) as (_, _, slow, stub):
        burst = asks(stub, 30)
        await until(lambda: slow.under_way == MOST)
        slow.go_on.set()
        answers = await asyncio.gather(*burst)
    assert [answer.request_id for answer in answers] == [str(i) for i in range(30)]
    assert slow.most == MOST


async def test_who_waits_too_long_hears_when_to_come_again() -> None:
    async with serving(0.05) as (_, _, slow, stub):
        burst = asks(stub, 30)
        await asyncio.wait([asyncio.ensure_future(call.code()) for call in burst], timeout=0.5)
        refused = [call for call in burst if call.done()]
        slow.go_on.set()
        codes = Counter([await call.code() for call in burst])
        status = await rpc_status_of(refused[0])
    assert codes == {grpc.StatusCode.OK: MOST, grpc.StatusCode.RESOURCE_EXHAUSTED: 30 - MOST}
    assert any(detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for detail in status.details)


async def rpc_status_of(call: Any) -> Any:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return rpc_status.from_call(error)
    raise AssertionError("it was answered")


async def test_errors_of_handlers_and_unknown_methods_arrive() -> None:
    async with serving(60.0) as (_, _, slow, stub):
        slow.go_on.set()
        wrong = stub.Decide(wire.DecideRequest(request_id="wrong"), timeout=30)
        assert (await wrong.code(), await wrong.details()) == (grpc.StatusCode.INVALID_ARGUMENT, "wrong")
        report = stub.ReportOutcomes(wire.ReportOutcomesRequest(), timeout=30)
        assert await report.code() is grpc.StatusCode.UNIMPLEMENTED
        assert (await stub.Decide(wire.DecideRequest(request_id="a"), timeout=30)).request_id == "a"


async def test_other_methods_need_no_room() -> None:
    async with serving(60.0) as (_, _, slow, stub):
        burst = asks(stub, 20)
        await until(lambda: slow.under_way == MOST)
        assert isinstance(await stub.Explain(wire.ExplainRequest(), timeout=30), wire.ExplainResponse)
        slow.go_on.set()
        await asyncio.gather(*burst)


async def test_callers_who_go_make_room() -> None:
    """Whether their turn has come or not."""
    async with serving(60.0) as (_, _, slow, stub):
        first, waiting = asks(stub, MOST, "first"), asks(stub, 10, "waiting")
        await until(lambda: slow.under_way == MOST)
        for call in (*first, *waiting):
            call.cancel()
        await until(lambda: slow.cancelled >= MOST)
        slow.go_on.set()
        answer = await stub.Decide(wire.DecideRequest(request_id="next"), timeout=30)
    assert answer.request_id == "next"


async def test_a_server_that_stops_answers_those_who_wait() -> None:
    async with serving(60.0) as (server, intake, slow, stub):
        burst = asks(stub, 20)
        await until(lambda: slow.under_way + intake.waiting == 20)
        intake.end()
        stopped = asyncio.create_task(server.stop(20.0))
        await asyncio.sleep(0.1)
        slow.go_on.set()
        codes = Counter([await asyncio.wait_for(call.code(), 20) for call in burst])
        await asyncio.wait_for(stopped, 20)
    assert codes == {grpc.StatusCode.OK: 20}


async def test_a_server_without_room_can_be_stopped() -> None:
    """Those under way are cancelled, and those who wait are turned away."""
    async with serving(60.0) as (server, intake, slow, stub):
        burst = asks(stub, 20)
        await until(lambda: slow.under_way + intake.waiting == 20)
        intake.end()
        await asyncio.wait_for(server.stop(0.1), 20)
        codes = {await asyncio.wait_for(call.code(), 20) for call in burst}
    assert grpc.StatusCode.OK not in codes


async def test_many_servers_come_and_go() -> None:
    """A core that is asked for a call after it was let go would end the process."""
    for _ in range(10):
        async with serving(60.0) as (_, _, slow, stub):
            slow.go_on.set()
            await asyncio.gather(*asks(stub, 3))
