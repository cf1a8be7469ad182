"""Turns calls away before their message is even read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import grpc

from engine.core.errors import ResourceExhausted
from engine.server.pending import Pending
from engine.server.statuses import status_of


class Refusing(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # only its stub is generic
    """Stands before all other handlers, and takes calls of bounded methods while too many are under way.

    A refusal then costs about a quarter of an answer: the message is neither received nor parsed, and the status was
    made beforehand.
    """

    def __init__(self, pending: Pending, methods: Collection[str]) -> None:
        """Refuse for a bound.

        Args:
            pending: The bound.
            methods: Full names, `/package.Service/Method`, of the calls that it counts.
        """
        self._pending = pending
        self._methods = frozenset(methods)
        self._status = status_of(ResourceExhausted(pending.message))
        # As a stream, whatever the method is: grpc reads the message of a plain call before it calls a handler.
        self._handler = grpc.stream_stream_rpc_method_handler(self._refuse)

    def service(self, handler_call_details: Any) -> Any:
        """The refusing handler; None lets the next one have the call."""
        if self._pending.full and handler_call_details.method in self._methods:
            return self._handler
        return None

    async def _refuse(self, _: Any, context: Any) -> None:
        self._pending.shed += 1
        await context.abort_with_status(self._status)
