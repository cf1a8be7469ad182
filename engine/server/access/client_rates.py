"""How much each client may ask for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from engine.core.errors import ResourceExhausted

_CLIENTS = 10_000


class Rates(Protocol):
    """Counts rows by client."""

    def charge(self, client: str, rows: int, rows_per_s: float = 0.0) -> float:
        """Take rows from a client's bucket, which may leave it in debt; seconds until it is out of debt.

        Args:
            client: Who asks.
            rows: How many decisions or outcomes.
            rows_per_s: The client's own rate; 0 for the usual one.
        """
        ...

    def require(self, client: str, rows: int, rows_per_s: float = 0.0) -> None:
        """Take rows, unless the client is in debt.

        Raises:
            ResourceExhausted: If it is; it says when to try again.
        """
        ...


class NoRates:
    """No limits."""

    def charge(self, client: str, rows: int, rows_per_s: float = 0.0) -> float:  # noqa: ARG002
        """See `Rates`."""
        return 0.0

    def require(self, client: str, rows: int, rows_per_s: float = 0.0) -> None:
        """See `Rates`."""


class ClientRates:
    """A token bucket a client.

    A call is taken whole as long as there is anything in the bucket, so that a large one leaves a debt to wait for; or
    no message larger than the bucket could ever come through. Clients beyond ten thousand push out those that were
    met first, who then begin with a full bucket again.
    """

    def __init__(
        self, rows_per_s: float, burst_s: float, workers: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with full buckets.

        Args:
            rows_per_s: What flows into each; 0 leaves clients without a rate of their own unlimited.
            burst_s: How many seconds' worth a bucket holds.
            workers: How many processes share a client's rate; each grants its part, as the kernel spreads connections.
            clock: Seconds.
        """
        self._rows_per_s = rows_per_s
        self._workers = workers
        self._burst_s = burst_s
        self._clock = clock
        self._buckets: dict[str, list[float]] = {}  # rows left, at which time

    def charge(self, client: str, rows: int, rows_per_s: float = 0.0) -> float:
        """See `Rates`."""
        rate = (rows_per_s or self._rows_per_s) / self._workers
        if not rate:
            return 0.0
        bucket = self._bucket(client, rate)
        bucket[0] -= rows
        return max(-bucket[0] / rate, 0.0)

    def require(self, client: str, rows: int, rows_per_s: float = 0.0) -> None:
        """See `Rates`."""
        rate = (rows_per_s or self._rows_per_s) / self._workers
        if not rate:
            return
        bucket = self._bucket(client, rate)
        if bucket[0] <= 0:
            raise ResourceExhausted(
                f"more than {rate * self._workers:g} decisions and outcomes a second from this client; slow down, or"
                " have its limit raised",
                retry_s=(1 - bucket[0]) / rate,
            )
        bucket[0] -= rows

    def _bucket(self, client: str, rate: float) -> list[float]:
        """The client's bucket, filled up to now."""
        now = self._clock()
        most = rate * self._burst_s
        most = most if most > 1.0 else 1.0
        bucket = self._buckets.get(client)
        if bucket is None:
            if len(self._buckets) >= _CLIENTS:
                del self._buckets[next(iter(self._buckets))]
            bucket = self._buckets[client] = [most, now]
            return bucket
        left = bucket[0] + (now - bucket[1]) * rate
        bucket[0] = left if left < most else most
        bucket[1] = now
        return bucket
