"""The time and the attempts that one call has."""

from __future__ import annotations

import time

import grpc

from engine.calling.failure import failure_of


class Attempts:
    """Counts attempts against one budget of time, so that retries never make a call longer than was promised."""

    def __init__(self, budget_s: float, retries: int, target: str) -> None:
        self._ends = time.monotonic() + budget_s
        self._retries = retries
        self._target = target
        self._failed = 0

    @property
    def remaining_s(self) -> float:
        """What is left of the budget; the timeout of the next attempt."""
        return max(self._ends - time.monotonic(), 0.0)

    def delay_s(self, error: grpc.RpcError, *, repeatable: bool) -> float:
        """How long to wait before another attempt.

        Raises:
            ArmsreachError: What the failure means, if there is no use, or no time, in another attempt.
        """
        failure = failure_of(error, self._target)
        delay = failure.delay_s(self._failed, self.remaining_s) if repeatable else None
        if delay is None or self._failed >= self._retries:
            raise failure.error from error
        self._failed += 1
        return delay
