"""When to stop gathering requests and decide them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_SAMPLE_S = 0.02
_BUSY = 0.85
_BUSY_LOOP = 0.65
_LONGEST_S = 0.003


class Gathering:
    """Calls back at once while there is time to spare, and milliseconds after the first request where there is none.

    On a busy server requests then share arithmetic, a write and a sync, and they would have waited in a queue anyway. A
    server with time to spare adds no delay to anybody's waiting.
    """

    def __init__(self, then: Callable[[], None], most: int = 64) -> None:
        """Gather for `then`.

        Args:
            then: What to do with what was gathered.
            most: It is called once so many have been added, in any case.
        """
        self._then = then
        self._most = most
        self._count = 0
        self._waiting: asyncio.Handle | None = None
        self._busy = False
        self._sampled = (time.perf_counter(), time.process_time(), time.thread_time())

    def add(self) -> None:
        """One more was gathered."""
        self._count += 1
        if self._waiting is None:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(_LONGEST_S, self._end) if self._is_busy() else loop.call_soon(self._end)
        elif self._count >= self._most:
            self._waiting.cancel()
            self._end()

    def _end(self) -> None:
        self._count, self._waiting = 0, None
        self._then()

    def _is_busy(self) -> bool:
        """Whether this process, or its event loop alone, has used most of a core lately."""
        wall, process, thread = self._sampled
        now = time.perf_counter()
        if now - wall >= _SAMPLE_S:
            used = time.process_time(), time.thread_time()
            self._busy = (used[0] - process) > _BUSY * (now - wall) or (used[1] - thread) > _BUSY_LOOP * (now - wall)
            self._sampled = (now, *used)
        return self._busy
