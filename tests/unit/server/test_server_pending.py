"""The bound on calls under way, and the patience with a silent stream."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2
from grpc_status import rpc_status

from engine.config import ServerSettings
from engine.core.errors import ConfigError, DeadlinePassed, ResourceExhausted, Unavailable
from engine.server.attentive import Attentive
from engine.server.channel_options import channel_options
from engine.server.guarded import Guarded, NoWatch, OpenGate
from engine.server.pending import Pending
from engine.server.statuses import status_of


class Call:
    """What a handler sees of its call."""

    def __init__(self, remaining_s: float | None = None) -> None:
        self.remaining_s = remaining_s
        self.code: Any = None
        self.details = ""
        self.metadata: Any = None

    def time_remaining(self) -> float | None:
        return self.remaining_s

    async def abort_with_status(self, status: Any) -> None:
        self.code, self.details, self.metadata = status.code, status.details, status.trailing_metadata


class Servicer:
    def __init__(self) -> None:
        self.begun = 0
        self.go_on = asyncio.Event()

    async def Decide(self, request: str, context: Any) -> str:  # noqa: N802
        self.begun += 1
        await self.go_on.wait()
        if request == "bad":
            raise ValueError
        return request


async def test_calls_beyond_the_bound_are_refused_before_any_work() -> None:
    servicer, pending = Servicer(), Pending(2, "server.max_pending")
    decide = Guarded(servicer, {"Decide": False}, OpenGate(), NoWatch(), pending).Decide  # type: ignore[attr-defined]
    running = [asyncio.create_task(decide(name, Call())) for name in ("good", "bad")]
    await asyncio.sleep(0)
    assert (pending.under_way, servicer.begun) == (2, 2)
    call = Call()
    assert await decide("third", call) is None
    assert servicer.begun == 2
    assert call.code.value[0] == code_pb2.RESOURCE_EXHAUSTED
    assert "server.max_pending" in call.details
    servicer.go_on.set()
    await asyncio.gather(*running)
    assert (pending.under_way, pending.shed) == (0, 1), "a call that fails leaves, too"
    assert await decide("fourth", Call()) == "fourth"


async def test_a_call_that_fails_leaves_no_cycle() -> None:
    """Collections are rare in a server; what a failed call had in hand must go with it."""

    class Keeping(Servicer):
        async def Decide(self, request: str, context: Any) -> str:  # noqa: N802
            kept = {}
            try:
                raise Unavailable("for once")
            except Unavailable as error:
                kept[0] = error
            raise next(iter(kept.values()))

    decide = Guarded(Keeping(), {"Decide": False}, OpenGate(), NoWatch(), Pending(1, "")).Decide  # type: ignore[attr-defined]
    gc.collect()
    gc.disable()
    try:
        call = Call()
        gone = weakref.ref(call)
        await decide("a", call)
        assert call.code is grpc.StatusCode.UNAVAILABLE
        del call
        assert gone() is None
    finally:
        gc.enable()


async def test_a_call_that_is_over_has_nobody_to_tell() -> None:
    class Gone(Call):
        async def abort_with_status(self, status: Any) -> None:
            raise grpc.aio.UsageError("RPC already finished.")

    decide = Guarded(Servicer(), {"Decide": False}, OpenGate(), NoWatch(), Pending(1, "")).Decide  # type: ignore[attr-defined]
    with pytest.raises(asyncio.CancelledError):
        await decide("a", Gone(remaining_s=0.0))


async def test_a_cancelled_call_leaves() -> None:
    servicer, pending = Servicer(), Pending(1, "server.max_pending")
    decide = Guarded(servicer, {"Decide": False}, OpenGate(), NoWatch(), pending).Decide  # type: ignore[attr-defined]
    running = asyncio.create_task(decide("a", Call()))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert pending.under_way == 0


@pytest.mark.parametrize(("remaining_s", "enters"), [(None, True), (0.5, True), (0.0, False), (-1.0, False)])
def test_nothing_is_done_for_a_caller_who_has_gone(remaining_s: float | None, enters: bool) -> None:
    pending = Pending(1, "server.max_pending")
    if enters:
        pending.enter(Call(remaining_s))
        assert pending.under_way == 1
        return
    with pytest.raises(DeadlinePassed) as caught:
        pending.enter(Call(remaining_s))
    assert (pending.under_way, pending.expired) == (0, 1)
    assert status_of(caught.value).code.value[0] == code_pb2.DEADLINE_EXCEEDED


def test_a_refusal_says_when_to_try_again() -> None:
    status = rpc_status.to_status  # the same library reads it on the client's side
    assert status is not None
    details = dict(status_of(ResourceExhausted("full")).trailing_metadata)
    assert b"RetryInfo" in details["grpc-status-details-bin"]
    assert error_details_pb2.RetryInfo.DESCRIPTOR.full_name.encode() in details["grpc-status-details-bin"]


async def test_a_silent_stream_ends_and_a_talking_one_goes_on() -> None:
    async def talking() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    async def silent() -> AsyncIterator[int]:
        yield 0
        await asyncio.Event().wait()

    assert [number async for number in Attentive(talking(), 60.0)] == [0, 1, 2]
    messages = Attentive(silent(), 0.001)
    assert await anext(messages) == 0
    with pytest.raises(Unavailable, match=r"server\.stream_idle_s"):
        await anext(messages)


@pytest.mark.parametrize(
    "name", ["max_pending", "max_wait_ms", "max_streams", "stream_idle_s", "keepalive_s", "connection_idle_s"]
)
def test_a_bound_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=name):
        ServerSettings(**{name: 0})  # type: ignore[arg-type]


def test_grpc_hears_of_the_bounds() -> None:
    options = dict(channel_options(ServerSettings(keepalive_s=7.0)))
    assert options["grpc.server.max_pending_requests"] == 16
    assert options["grpc.server.max_pending_requests_hard_limit"] == 32
    assert options["grpc.keepalive_time_ms"] == 7_000
    assert "grpc.max_connection_age_ms" not in options
    assert dict(channel_options(ServerSettings(connection_age_s=2.5)))["grpc.max_connection_age_ms"] == 2_500
