"""When to stop gathering requests and decide them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_SAMPLE_S = 0.02
_DELAYS_S = ((0.8, 0.003), (0.45, 0.001))
"""Share of time that the event loop works → how long requests are gathered; below the last, not at all."""


def _worked_s() -> float:
    """How long the calling thread has run or wanted to, in seconds: its CPU time, and its waiting for a processor."""
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:
            ran, waited = file.read().split()[:2]
    except (OSError, ValueError):  # a kernel that does not say
        return time.process_time()
    return (int(ran) + int(waited)) / 1e9


class Gathering:
    """Calls back at once while there is time to spare, and milliseconds after the first request where there is little.

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
        self._delay_s = 0.0
        self._sampled = (time.perf_counter(), _worked_s())

    def add(self) -> None:
        """One more was gathered."""
        self._count += 1
        if self._waiting is None:
            loop = asyncio.get_running_loop()
            delay_s = self._look()
            self._waiting = loop.call_later(delay_s, self._end) if delay_s else loop.call_soon(self._end)
        elif self._count >= self._most:
            self._waiting.cancel()
            self._end()

    def _end(self) -> None:
        self._count, self._waiting = 0, None
        self._then()

    def _look(self) -> float:
        """How long to gather, by how much the event loop has worked lately."""
        then, worked = self._sampled
        now = time.perf_counter()
        if now - then >= _SAMPLE_S:
            works = _worked_s()
            share = (works - worked) / (now - then)
            self._delay_s = next((delay for busy, delay in _DELAYS_S if share > busy), 0.0)
            self._sampled = (now, works)
        return self._delay_s
