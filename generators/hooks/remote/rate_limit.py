"""Keep calls under an endpoint's limits on requests and tokens a minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateLimit:
    """Spaces calls evenly, so that no minute holds more than it may; safe for threads.

    Each call is given the earliest start at which neither limit is broken (the virtual scheduling algorithm), and
    sleeps until then outside the lock.

    Source: ITU-T I.371 (2004), Annex A: generic cell rate algorithm, virtual scheduling.
    """

    def __init__(
        self,
        requests_per_minute: float = 0.0,
        tokens_per_minute: float = 0.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Set the limits.

        Args:
            requests_per_minute: 0 is no limit.
            tokens_per_minute: 0 is no limit.
            clock: Seconds that never go back.
            sleep: Waits so many seconds.
        """
        self._request_s = 60 / requests_per_minute if requests_per_minute else 0.0
        self._token_s = 60 / tokens_per_minute if tokens_per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._next_request = self._next_token = self._paused_until = float("-inf")
        self._lock = threading.Lock()

    def wait(self, tokens: int) -> None:
        """Sleep until a call of so many tokens may start, and count it."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next_request, self._next_token, self._paused_until)
            self._next_request = start + self._request_s
            self._next_token = start + tokens * self._token_s
        if start > now:
            self._sleep(start - now)

    def correct(self, tokens: int) -> None:
        """Count so many tokens more (or fewer, if negative) than a call was expected to take."""
        with self._lock:
            self._next_token += tokens * self._token_s

    def pause(self, seconds: float) -> None:
        """Let no call start for so long, whoever makes it."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
