"""What happens around every call: who may make it, how long it took, and which status an error becomes.

Handlers are wrapped once, when they are registered. Interceptors of `grpc.aio` would do the same at every call, for
some fifteen microseconds each.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol

import grpc

from engine.server.attentive import Attentive
from engine.server.pending import Bound, Unbounded
from engine.server.statuses import status_of

_CANCELLED = int(grpc.StatusCode.CANCELLED.value[0])
_EXHAUSTED = int(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


class Gate(Protocol):
    """Decides who may make a call."""

    def admit(self, method: str, request: Any, context: Any) -> None:
        """Let a call in. `request` is None where it is a stream of them.

        Raises:
            ArmsreachError: If the caller may not, or not now.
        """
        ...

    def heed(self, method: str, request: Any, context: Any) -> float:
        """Look at a message of a stream that was let in; how many seconds to wait before it is taken up.

        Raises:
            ArmsreachError: If the caller may not ask this.
        """
        ...

    def leave(self) -> None:
        """An admitted call is over."""
        ...


class Watch(Protocol):
    """Counts calls."""

    def done(self, method: str, seconds: float, code: int) -> None:
        """A call ended with a gRPC status code."""
        ...

    def shed(self, method: str, reason: str) -> None:
        """A call was turned away, as there was no room for it."""
        ...


class OpenGate:
    """Lets everybody in."""

    def admit(self, method: str, request: Any, context: Any) -> None:
        """See `Gate`."""

    def heed(self, method: str, request: Any, context: Any) -> float:  # noqa: ARG002
        """See `Gate`."""
        return 0.0

    def leave(self) -> None:
        """See `Gate`."""


class NoWatch:
    """Counts nothing."""

    def done(self, method: str, seconds: float, code: int) -> None:
        """See `Watch`."""

    def shed(self, method: str, reason: str) -> None:
        """See `Watch`."""


class Guarded:
    """A servicer whose methods are wrapped; to be registered in its place. Its methods hold no `try`."""

    def __init__(
        self,
        servicer: Any,
        methods: dict[str, bool],
        gate: Gate,
        watch: Watch,
        calls: Bound | None = None,
        streams: Bound | None = None,
        stream_idle_s: float = 3600.0,
    ) -> None:
        """Wrap.

        Args:
            servicer: The handlers.
            methods: Method name → whether it is a stream of requests and answers.
            gate: Who may call.
            watch: What counts calls.
            calls: How many plain calls may be under way; None for any number.
            streams: How many streams.
            stream_idle_s: How long the sender of a stream may say nothing.
        """
        for name, is_stream in methods.items():
            handle = getattr(servicer, name)
            if is_stream:
                wrapped = _stream(name, handle, gate, watch, streams or Unbounded(), stream_idle_s)
            else:
                wrapped = _unary(name, handle, gate, watch, calls or Unbounded())
            setattr(self, name, wrapped)


def methods_of(service: Any) -> dict[str, bool]:
    """Method name → whether it streams, of a protobuf service descriptor."""
    return {method.name: method.client_streaming for method in service.methods}


def _unary(name: str, handle: Callable[[Any, Any], Awaitable[Any]], gate: Gate, watch: Watch, bound: Bound) -> Any:
    admit, leave, done, clock = gate.admit, gate.leave, watch.done, time.perf_counter
    enter, over = bound.enter, bound.leave

    async def handled(request: Any, context: Any) -> Any:
        began = clock()
        code = 0
        entered = admitted = False
        try:
            enter(context)
            entered = True
            admit(name, request, context)
            admitted = True
            return await handle(request, context)
        except asyncio.CancelledError:
            code = _CANCELLED
            raise
        except Exception as error:
            status = _status(error)
            code = int(status.code.value[0])
            if code == _EXHAUSTED:
                watch.shed(name, "no_room")
            _let_go(error)
            told = _tell(context, status)
            del context, request  # see `_tell`
        finally:
            if admitted:
                leave()
            if entered:
                over()
            done(name, clock() - began, code)
        return await told  # once it is counted, so that who heard finds it in the metrics

    return handled


def _stream(
    name: str,
    handle: Callable[[Any, Any], AsyncIterator[Any]],
    gate: Gate,
    watch: Watch,
    bound: Bound,
    idle_s: float,
) -> Any:
    async def handled(requests: Any, context: Any) -> AsyncIterator[Any]:
        began = time.perf_counter()
        code, told = 0, None
        entered = admitted = False
        try:
            bound.enter(context)
            entered = True
            gate.admit(name, None, context)
            admitted = True
            messages = _heeded(name, Attentive(aiter(requests), idle_s), context, gate)
            async for response in handle(messages, context):
                yield response
        except asyncio.CancelledError:
            code = _CANCELLED
            raise
        except Exception as error:
            status = _status(error)
            code = int(status.code.value[0])
            if code == _EXHAUSTED:
                watch.shed(name, "no_room")
            _let_go(error)
            told = _tell(context, status)
            del context, requests  # see `_tell`
        finally:
            if admitted:
                gate.leave()
            if entered:
                bound.leave()
            watch.done(name, time.perf_counter() - began, code)
        if told is not None:
            await told

    return handled


async def _heeded(name: str, requests: AsyncIterator[Any], context: Any, gate: Gate) -> AsyncIterator[Any]:
    """The messages of a stream, each looked at; who sends too many is slowed down, not refused."""
    async for request in requests:
        wait_s = gate.heed(name, request, context)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        yield request


async def _tell(context: Any, status: Any) -> None:
    """End a call with a status; one that was over meanwhile has nobody left to tell.

    The error that `abort` raises is kept by the call, and keeps the frames that it passes through. None of them may
    hold the call then, or each call that fails would leave a cycle with all that it had in hand.
    """
    told = context.abort_with_status(status)
    del context
    try:
        await told
    except (grpc.aio.UsageError, grpc.aio.InternalError):
        raise asyncio.CancelledError from None


def _let_go(error: BaseException) -> None:
    """Part an error from the frames it passed through: what holds it among them would be a cycle otherwise."""
    chain: list[BaseException | None] = [error]
    while chain:
        one = chain.pop()
        if one is not None and one.__traceback__ is not None:
            one.__traceback__ = None
            chain += [one.__cause__, one.__context__]


def _status(error: Exception) -> Any:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    return status_of(error)
