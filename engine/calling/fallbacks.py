"""Safe answers that the server has yet to hear of."""

from __future__ import annotations

import threading
import time
from collections import deque

from engine.core.errors import InvalidInput, Overloaded
from engine.service.requests import FallbackReport

CHUNK = 500
_LONGEST_WAIT_S = 300.0


class Fallbacks:
    """A bounded queue of safe answers, safe to use from several threads; where it is full, the oldest goes.

    Attributes:
        dropped: How many were lost to a full queue.
        refused: How many the server did not take, for instance as their campaign is unknown to it.
    """

    def __init__(self, capacity: int) -> None:
        """Make an empty queue.

        Raises:
            InvalidInput: If the capacity is below 1.
        """
        if capacity < 1:
            raise InvalidInput(f"expected at least 1, got {capacity}", field="kept_fallbacks")
        self._waiting: deque[tuple[str, FallbackReport]] = deque()
        self._capacity = capacity
        self._lock = threading.Lock()
        self._taken = 0
        self._due_s = 0.0
        self.dropped = 0
        self.refused = 0

    def __len__(self) -> int:
        """How many are not known to have arrived."""
        return len(self._waiting) + self._taken

    @property
    def are_due(self) -> bool:
        """Whether some wait, and the server asked for no more patience with them."""
        return len(self) > 0 and time.monotonic() >= self._due_s

    def rest_s(self, usual_s: float) -> float | None:
        """How long to wait before the next attempt: the usual time or, if longer, what the server asked for.

        Returns:
            Seconds; None where nothing waits.
        """
        return max(usual_s, self._due_s - time.monotonic()) if len(self) else None

    def add(self, campaign: str, report: FallbackReport) -> None:
        """Queue one."""
        with self._lock:
            self._waiting.append((campaign, report))
            self._trim()

    def take(self) -> tuple[str, list[FallbackReport]] | None:
        """The oldest reports, all of one campaign; None where nothing waits. To be followed by `done` or `put_back`."""
        with self._lock:
            if not self._waiting:
                return None
            campaign = self._waiting[0][0]
            reports: list[FallbackReport] = []
            while self._waiting and self._waiting[0][0] == campaign and len(reports) < CHUNK:
                reports.append(self._waiting.popleft()[1])
            self._taken += len(reports)
            return campaign, reports

    def done(self, reports: list[FallbackReport], *, refused: bool = False) -> None:
        """Taken reports arrived, or never will."""
        with self._lock:
            self._taken -= len(reports)
            if refused:
                self.refused += len(reports)
            else:
                self._due_s = 0.0

    def put_back(self, campaign: str, reports: list[FallbackReport], error: BaseException) -> None:
        """Taken reports did not arrive; they are the oldest again, and due once the server wants to be asked again."""
        wait_s = min(error.retry_s or 0.0, _LONGEST_WAIT_S) if isinstance(error, Overloaded) else 0.0
        with self._lock:
            self._due_s = max(self._due_s, time.monotonic() + wait_s)
            self._taken -= len(reports)
            self._waiting.extendleft((campaign, report) for report in reversed(reports))
            self._trim()

    def _trim(self) -> None:
        while len(self._waiting) > self._capacity:
            self._waiting.popleft()
            self.dropped += 1
