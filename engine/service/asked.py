"""A request whose decision is being made or written."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime

from engine.core.errors import Unavailable
from engine.service.decided import Decided
from engine.service.deciding import Identity
from engine.service.requests import DecideRequest


class Asked:
    """A request whose decision is being made or written; retries wait for the same one.

    Attributes:
        request: What was asked.
        identity: Whose request it is, and which.
        at: The moment of deciding.
    """

    __slots__ = ("_waiting", "at", "identity", "request")

    def __init__(self, request: DecideRequest, identity: Identity, at: datetime) -> None:
        self.request = request
        self.identity = identity
        self.at = at
        self._waiting: list[asyncio.Future[Decided]] = []

    def is_of(self, identity: Identity) -> bool:
        """Whether a request with this body is the same; a safe answer under way has no body but its user."""
        known = self.identity
        return known.digest == identity.digest if known.digest else known.user == identity.user

    def wait(self) -> asyncio.Future[Decided]:
        """A future of one's own, so that a caller who gives up takes nothing from the others."""
        future: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return future

    def succeed(self, decided: Decided) -> None:
        """The decision is durable."""
        for future in self._waiting:
            if not future.done():
                future.set_result(decided)

    def fail(self, error: BaseException) -> None:
        """There is no decision."""
        for future in self._waiting:
            if not future.done():
                future.set_exception(error if isinstance(error, Exception) else Unavailable("the server is stopping"))


async def all_of(futures: Collection[asyncio.Future[Decided]]) -> None:
    """Wait for all; the first error is raised once all are done."""
    if futures:
        await asyncio.wait(futures)
    for error in [future.exception() for future in futures]:
        if error is not None:
            raise error
