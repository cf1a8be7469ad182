"""What lies below `grpc.aio`: asking for calls, serving them and turning them away, without its loop in between.

These are parts of grpcio that it does not promise to keep, so its minor version is pinned (decision 16).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Collection, Coroutine, Mapping, Sequence
from typing import Any

import grpc
from grpc._cython import cygrpc
from grpc.aio import _server

log = logging.getLogger(__name__)

_AHEAD = 64
_WARN_S = 60.0
_UNKNOWN = int(grpc.StatusCode.UNIMPLEMENTED.value[0])


class BareServer(_server.Server):
    """A `grpc.aio` server that takes over no call of some methods: `Intake` does, through `GrpcCalls`.

    `grpc.aio` asks grpc for one call of a method at a time, and for the next one after a turn of its loop in which it
    looks at its questions for all methods. Calls that come together are so taken over one after the other, and while
    they wait for that grpc's core turns away what comes next.

    Attributes:
        left: Handlers of the methods that are left, by full name.
    """

    def __init__(self, options: Sequence[tuple[str, Any]], left: Collection[str]) -> None:
        """Make a server that does not listen yet.

        Args:
            options: Of the listening side.
            left: Full names, `/package.Service/Method`, of plain methods.
        """
        # Not by the base class, which would make a core of its own kind and could not be rid of it.
        self._loop = cygrpc.get_working_loop()
        self._server = _Core(self._loop, None, (), (), tuple(options), None)
        self._server.leave(left)
        self._names = frozenset(left)
        self.left: dict[str, Any] = {}

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """See `grpc.aio.Server`."""
        super().add_registered_method_handlers(service_name, dict(method_handlers))
        named = {f"/{service_name}/{name}": handler for name, handler in method_handlers.items()}
        self.left |= {name: handler for name, handler in named.items() if name in self._names}

    def is_running(self) -> bool:
        """Whether calls are taken over: neither was it stopped nor has its loop failed."""
        return bool(self._server.is_running())


class _Core(cygrpc.AioServer):  # type: ignore[misc]  # an extension without types
    """The server proper.

    Calls of methods that are not left are asked for ahead, too, though their loop hears of them one by one: what comes
    together, as streams when clients connect anew, must not fill grpc's short queue.
    """

    def leave(self, methods: Collection[str]) -> None:
        self._left = frozenset(method.encode() for method in methods)
        self._asked: dict[bytes, deque[Any]] = {}
        self._telling: set[asyncio.Task[None]] = set()

    def _make_request_call_future(self, method: bytes | None) -> Any:
        """What the loop of `grpc.aio` waits for: a call, or for a method that is left, nothing until that loop ends."""
        loop = asyncio.get_running_loop()
        if method is None:
            return loop.create_task(self._turn_away_the_unknown())
        if method in self._left:
            return loop.create_future()
        asked = self._asked.setdefault(method, deque())
        while len(asked) < _AHEAD:
            question = super()._make_request_call_future(method)
            question.add_done_callback(_heard)
            asked.append(question)
        # Where its loop ends it cancels what it waits for; a question that is cancelled lets memory go that grpc's core
        # still writes to.
        return asyncio.shield(asked.popleft())

    async def _turn_away_the_unknown(self) -> None:
        """Tell callers of methods that nobody registered.

        The loop of `grpc.aio` would decode the method's name, and end for good where that is no UTF-8.
        """
        loop = asyncio.get_running_loop()
        while True:
            question = loop.create_task(self._request_call())
            question.add_done_callback(_heard)
            call = await asyncio.shield(question)
            task = loop.create_task(_tell(call, (_UNKNOWN, "Method not found!", ()), loop))
            self._telling.add(task)
            task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        _heard(task)


def _tell(
    call: Any, status: tuple[int, str, tuple[Any, ...]], loop: asyncio.AbstractEventLoop
) -> Coroutine[Any, Any, None]:
    """End a call with a code, details and trailing metadata, its message unread."""
    begin = cygrpc.SendInitialMetadataOperation((), 0)
    told: Coroutine[Any, Any, None] = cygrpc._send_error_status_from_server(call, *status, begin, loop)
    return told


def _heard(task: asyncio.Task[Any]) -> None:
    """Of a caller or a server who has gone nobody needs to hear."""
    if not task.cancelled():
        task.exception()


class GrpcCalls:
    """Calls of the methods that a `BareServer` leaves."""

    def __init__(self, server: BareServer, status: Any) -> None:
        """Serve for a server.

        Args:
            server: The server.
            status: A `grpc.Status`: what those hear who are turned away.
        """
        self._core = server._server
        self._loop = server._loop
        self._unsent = 0
        self._warned_s = -math.inf
        self._handlers = cygrpc._MethodResolver([], server.left)
        self._status = (int(status.code.value[0]), status.details, tuple(status.trailing_metadata or ()))

    def ask(self, method: str) -> Coroutine[Any, Any, Any]:
        """The next call of a method, to be given to `serve` or to `refuse`.

        Raises:
            Exception: If the server stops.
        """
        return self._asked(method.encode())

    async def _asked(self, method: bytes) -> Any:
        if not self._core.is_running():  # a core that was destroyed must not be asked
            raise RuntimeError("the server stops")
        return await self._core._request_registered_call(method)

    def serve(self, method: str, call: Any) -> Coroutine[Any, Any, None]:
        """Receive a call's message, have it answered and send the answer."""
        handled = self._handled(method, cygrpc._handle_rpc(method, self._handlers, (), call, self._loop, False))
        served: Coroutine[Any, Any, None] = cygrpc._schedule_rpc_coro(handled, call, self._loop, method)
        return served

    async def _handled(self, method: str, handling: Coroutine[Any, Any, None]) -> None:
        """Handle a call; where its answer cannot be sent, grpc would log a traceback.

        Mostly its caller has gone. grpc knows that, too, but may hear of it only after the answer that failed.
        """
        try:
            await handling
        except cygrpc.ExecuteBatchError:
            self._unsent += 1
            now = self._loop.time()
            if now - self._warned_s >= _WARN_S:
                self._warned_s = now
                log.warning(
                    "an answer of %s was not sent (%d since the start): its caller has gone, or its metadata cannot be"
                    " sent", method, self._unsent,
                )  # fmt: skip

    def refuse(self, call: Any) -> Coroutine[Any, Any, None]:
        """Turn a call away, its message unread."""
        return _tell(call, self._status, self._loop)
