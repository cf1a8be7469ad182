"""Real calls, taken over by `Intake` from grpc's core."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from engine.config import ServerSettings
from engine.core.errors import ResourceExhausted
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1 import delivery_pb2_grpc
from engine.server.channel_options import channel_options
from engine.server.grpc_calls import BareServer, GrpcCalls
from engine.server.guarded import Guarded, NoWatch, OpenGate
from engine.server.intake import Intake
from engine.server.statuses import status_of

DECIDE = "/armsreach.v1.Delivery/Decide"
MOST = 4


class Slow(delivery_pb2_grpc.DeliveryServicer):
    """Answers once it may."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.under_way = self.most = self.cancelled = self.port = 0
        self.channel: Any = None

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
async def serving(patience_s: float, servicer: Any = None) -> AsyncIterator[tuple[BareServer, Intake, Slow, Any]]:
    """A server that lets four calls of `Decide` begin, and a stub; its other methods are those of `grpc.aio`."""
    slow = Slow()
    server = BareServer(channel_options(ServerSettings()), [DECIDE])
    intake = Intake(
        GrpcCalls(server, status_of(ResourceExhausted("full; try again later"))), [DECIDE], MOST, patience_s, NoWatch(),
        at_work=lambda: slow.under_way if servicer is None else MOST,
    )  # fmt: skip
    delivery_pb2_grpc.add_DeliveryServicer_to_server(servicer or slow, server)
    slow.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    intake.begin()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{slow.port}") as channel:
            slow.channel = channel
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
        await until(lambda: sum(call.done() for call in burst) == 30 - MOST)
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


async def test_calls_that_fail_leave_no_cycle() -> None:
    """The collector looks seldom, and an error keeps the frames that it passed through."""

    class Failing(delivery_pb2_grpc.DeliveryServicer):
        async def Decide(self, request: wire.DecideRequest, context: Any) -> wire.DecideResponse:  # noqa: N802
            raise ResourceExhausted("full")

        async def DecideBatch(self, requests: Any, context: Any) -> AsyncIterator[wire.DecideBatchResponse]:  # noqa: N802
            async for _ in requests:
                raise ResourceExhausted("full")
            yield wire.DecideBatchResponse()

    guarded = Guarded(Failing(), {"Decide": False, "DecideBatch": True}, OpenGate(), NoWatch())
    for name in ("ReportOutcomes", "Explain"):
        setattr(guarded, name, getattr(Slow(), name))
    async with serving(60.0, guarded) as (_, _, _, stub):
        gc.collect()
        gc.disable()
        try:
            for call in asks(stub, 20):
                assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            for _ in range(5):
                batch = stub.DecideBatch(iter([wire.DecideBatchRequest()]))
                assert await batch.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await asyncio.sleep(0.1)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            found = Counter(type(one).__name__ for one in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
    assert not found["_ServicerContext"] + found["AbortError"] + found["ResourceExhausted"] + found["DecideRequest"], (
        found
    )


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


async def test_a_server_without_room_can_be_stopped(capfd: pytest.CaptureFixture[str]) -> None:
    """Those under way are cancelled, and those who wait are turned away."""
    async with serving(60.0) as (server, intake, slow, stub):
        burst = asks(stub, 20)
        await until(lambda: slow.under_way + intake.waiting == 20)
        intake.end()
        await asyncio.wait_for(server.stop(0.1), 20)
        codes = {await asyncio.wait_for(call.code(), 20) for call in burst}
    assert grpc.StatusCode.OK not in codes
    assert slow.cancelled == MOST
    assert "Traceback" not in capfd.readouterr().err


async def test_a_core_that_was_let_go_is_asked_no_more() -> None:
    """It would end the process."""
    for _ in range(5):
        async with serving(60.0) as (server, _, slow, stub):
            slow.go_on.set()
            await asyncio.gather(*asks(stub, 3))
            await server.stop(0)  # not by way of the intake
            await asyncio.sleep(0.25)
            assert not server._server.is_running()


async def test_an_answer_that_cannot_be_sent_is_warned_of_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    class Wrong(Slow):
        async def Decide(self, request: wire.DecideRequest, context: Any) -> wire.DecideResponse:  # noqa: N802
            context.set_trailing_metadata((("Not-Lower-Case", "x"),))
            return wire.DecideResponse()

    async with serving(60.0, Wrong()) as (_, _, _, stub):
        codes = [await call.code() for call in asks(stub, 3)]
    assert codes == [grpc.StatusCode.INTERNAL] * 3
    assert caplog.text.count("was not sent (1 since the start)") == 1, "once a minute at most"
    assert "Traceback" not in caplog.text


async def test_senders_who_send_nothing_do_not_keep_others_out() -> None:
    async with serving(60.0) as (_, _, slow, stub):
        slow.go_on.set()
        silent = slow.channel.stream_unary(DECIDE, wire.DecideRequest.SerializeToString, wire.DecideResponse.FromString)
        held = [silent() for _ in range(5 * MOST)]
        before = time.monotonic()
        answers = await asyncio.gather(*asks(stub, 3))
        took_s = time.monotonic() - before
        for call in held:
            call.cancel()
    assert took_s < 3.0, "five rounds of silent ones, each far shorter than a second"
    assert [answer.request_id for answer in answers] == ["0", "1", "2"]


async def test_many_streams_that_open_at_once_are_answered() -> None:
    """By methods that are not left: grpc's core does not keep as many waiting."""
    async with serving(60.0) as (_, _, _, stub):
        calls = [stub.Explain(wire.ExplainRequest(), timeout=30) for _ in range(64)]
        calls += [stub.DecideBatch(timeout=30) for _ in range(64)]
        codes = Counter([await call.code() for call in calls])
    assert codes == {grpc.StatusCode.OK: 64, grpc.StatusCode.UNIMPLEMENTED: 64}


@pytest.mark.parametrize("path", [b"/x/\xff\xfe", b"/armsreach.v1.Delivery/Nothing", b"nonsense"])
async def test_a_method_that_nobody_knows_ends_nothing(path: bytes) -> None:
    """grpc.aio's own loop would end over a path that is no UTF-8."""
    async with serving(60.0) as (_, _, slow, stub):
        slow.go_on.set()
        reader, writer = await asyncio.open_connection("127.0.0.1", slow.port)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + request_of(path))
        await writer.drain()
        heard = b""
        while b"grpc-status" not in heard and b"\x00\x00\x04\x03" not in heard:  # or its reset
            heard += await asyncio.wait_for(reader.read(1 << 16), 20)
        writer.close()
        answer = await stub.Decide(wire.DecideRequest(request_id="next"), timeout=30)
    assert answer.request_id == "next"


def frame(kind: int, flags: int, stream: int, body: bytes) -> bytes:
    """An HTTP/2 frame (RFC 9113, section 4.1)."""
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def request_of(path: bytes) -> bytes:
    """A gRPC request with an empty message, its header fields as literals (RFC 7541, section 6.2.2)."""
    fields = {
        b":method": b"POST", b":scheme": b"http", b":path": path, b":authority": b"localhost", b"te": b"trailers",
        b"content-type": b"application/grpc",
    }  # fmt: skip
    block = b"".join(
        b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields.items()
    )
    return frame(1, 4, 1, block) + frame(0, 1, 1, bytes(5))
