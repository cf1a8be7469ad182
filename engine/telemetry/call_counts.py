"""Calls by method and status, and how long they took."""

from __future__ import annotations

from engine.telemetry.histogram import Histogram
from engine.telemetry.series import Series

CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
"""gRPC's status codes, by number."""


class CallCounts:
    """A `Watch`: counts every call."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, int], Histogram] = {}
        self._shed: dict[tuple[str, str], int] = {}

    def done(self, method: str, seconds: float, code: int) -> None:
        """A call ended with a gRPC status code."""
        try:
            histogram = self._of[method, code]
        except KeyError:
            histogram = self._of[method, code] = Histogram()
        histogram.add(seconds)

    def shed(self, method: str, reason: str) -> None:
        """A call was turned away, as there was no room for it."""
        self._shed[method, reason] = self._shed.get((method, reason), 0) + 1

    def put(self, series: Series) -> None:
        """Add what was counted."""
        for (method, code), histogram in list(self._of.items()):
            name = CODES[code] if 0 <= code < len(CODES) else str(code)
            series.add("armsreach_request_seconds", (method, name), histogram.values)
        for (method, reason), count in list(self._shed.items()):
            series.add("armsreach_shed", (method, reason), count)
