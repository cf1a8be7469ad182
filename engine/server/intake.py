"""Takes calls over from grpc no faster than they can be served."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine
from typing import Any

from engine.server.pending import Pending

_ASKS = "_request_call"
_GAP_S = 0.5
_LASTING_S = 0.1
_REFUSALS_S = 0.002


class Intake:
    """Lets the server ask grpc for its next call only while there is room, and now and then while there is none.

    `grpc.aio` takes every call over at once and leaves it to a handler to refuse it. That takes 150 to 200 µs of CPU,
    about what an echo takes, and under a flood the server would do little else. A call that is not taken over waits in
    grpc's own queue instead; that has a bound as well (see `channel_options`), and beyond it grpc turns calls away by
    itself for some 18 µs.

    A burst is left to wait. Where there has been no room for a while, some calls are taken over all the same, to hear
    a proper refusal from `Refusing` with the time to wait: so many that it costs a tenth of a core at most.

    grpc asks for a call of a method that was not registered beforehand in a task of its own, named below, so a task
    factory can hold it back. Should another release do that otherwise, nothing is held back and `Refusing` refuses.
    """

    def __init__(self, pending: Pending, lasting_s: float = _LASTING_S, refusals_s: float = _REFUSALS_S) -> None:
        """Watch a bound.

        Args:
            pending: The calls under way.
            lasting_s: How long there must have been no room before calls are taken over to be refused.
            refusals_s: The time from one such call to the next.
        """
        self._pending = pending
        self._lasting_s = lasting_s
        self._refusals_s = refusals_s
        self._since = self._held = self._refused = -math.inf

    def attend(self, loop: asyncio.AbstractEventLoop) -> None:
        """Make the tasks of this loop from now on."""
        factory: Any = self.task  # its type differs between releases of the stubs
        loop.set_task_factory(factory)

    def task(
        self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **how: Any
    ) -> asyncio.Task[Any]:
        """A task; one that asks for the next call waits for room first."""
        if self._pending.full and getattr(coroutine, "__name__", "") == _ASKS:
            coroutine = self._held_back(coroutine, loop)
        return asyncio.Task(coroutine, loop=loop, **how)

    def patience_s(self, now_s: float) -> float:
        """How long the next call may be held back, if there is no room before.

        Args:
            now_s: The event loop's time.
        """
        if now_s - self._held > _GAP_S:
            self._since = now_s
        self._held = now_s
        return max(self._since + self._lasting_s, self._refused + self._refusals_s) - now_s

    async def _held_back(self, coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
        try:
            # The last calls may be over since the task was made: then nobody would tell of room again.
            if self._pending.full:
                patience_s = self.patience_s(loop.time())
                if patience_s <= 0 or not await self._pending.room(patience_s):
                    self._held = self._refused = loop.time()
        except BaseException:
            coroutine.close()
            raise
        return await coroutine
