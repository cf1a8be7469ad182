"""Tells the server of safe answers once it is back, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from engine.calling.fallbacks import Fallbacks
from engine.core.errors import ArmsreachError, CallerError, Refused
from engine.service.requests import FallbackReport

Send = Callable[[str, Sequence[FallbackReport], float], object]
"""(campaign, reports, seconds to take at most) → nothing of interest."""

_ATTEMPT_S = 0.5


class Reporter:
    """Empties a queue of safe answers; its thread starts with the first of them."""

    def __init__(self, fallbacks: Fallbacks, send: Send, rest_s: float) -> None:
        self._fallbacks = fallbacks
        self._send = send
        self._rest_s = rest_s
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._sending = threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, campaign: str, report: FallbackReport) -> None:
        """Queue a safe answer; never waits for the network."""
        idle = not len(self._fallbacks)
        self._fallbacks.add(campaign, report)
        with self._starting:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="armsreach-fallbacks", daemon=True)
                self._thread.start()
        if idle:
            self._wake.set()

    def server_is_back(self) -> None:
        """Try now, as a call has just succeeded; not before a server that refused reports wants to be asked again."""
        if self._fallbacks.are_due:
            self._wake.set()

    def flush(self, within_s: float) -> bool:
        """Report what waits, now and on this thread.

        Returns:
            Whether nothing waits any more.
        """
        if not self._sending.acquire(timeout=within_s):
            return False
        try:
            self._deliver(within_s)
        except ArmsreachError:
            return False
        finally:
            self._sending.release()
        return not len(self._fallbacks)

    def close(self, within_s: float) -> bool:
        """Stop the thread, then report what still waits; whether nothing is left."""
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(within_s)
        return not len(self._fallbacks) or self.flush(within_s)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait(self._fallbacks.rest_s(self._rest_s))
            self._wake.clear()
            if not self._closed.is_set():
                # Short, as `flush` and `close` wait for an attempt under way.
                self.flush(min(self._rest_s, _ATTEMPT_S))

    def _deliver(self, within_s: float) -> None:
        while (taken := self._fallbacks.take()) is not None:
            self._deliver_some(*taken, within_s)

    def _deliver_some(self, campaign: str, reports: list[FallbackReport], within_s: float) -> None:
        """Send reports; where the server refuses them, halve until the bad one stands alone."""
        try:
            self._send(campaign, reports, within_s)
        except Refused as error:  # not for what they say; with another token they may be taken
            self._fallbacks.put_back(campaign, reports, error)
            raise
        except CallerError:
            if len(reports) == 1:
                self._fallbacks.done(reports, refused=True)
                return
        except BaseException as error:
            self._fallbacks.put_back(campaign, reports, error)
            raise
        else:
            self._fallbacks.done(reports)
            return
        first, second = reports[: len(reports) // 2], reports[len(reports) // 2 :]
        try:
            self._deliver_some(campaign, first, within_s)
        except BaseException as error:
            self._fallbacks.put_back(campaign, second, error)
            raise
        self._deliver_some(campaign, second, within_s)
