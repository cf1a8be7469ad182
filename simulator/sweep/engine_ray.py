"""A Ray cluster, or one that Ray starts on this machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from engine.core.errors import Unavailable
from engine.extras import require
from simulator.sweep.one_thread import one_thread

__all__ = ["RayEngine"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

_MOST_DEATHS = 3


class RayEngine:
    """Runs tasks as plain Ray tasks of one core each; Ray runs them again elsewhere when a process or node dies.

    The log's files and the folder of the sweep have to be under the same path on every node.

    Args:
        address: Of a cluster, as Ray takes it; None takes RAY_ADDRESS, or else starts a cluster on this machine alone.
        processes: Cores of a cluster that is started; as many as this process may use when None.
    """

    def __init__(self, address: str | None = None, processes: int | None = None) -> None:
        """Join or start the cluster.

        Raises:
            ModuleNotFoundError: When Ray is not installed, naming the extra that brings it.
            Unavailable: When there is no cluster at the address.
        """
        require("cluster", "ray")
        # Ray would otherwise report its use to its makers.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray

        self._ray = ray
        address = address or os.environ.get("RAY_ADDRESS")
        self._own = not ray.is_initialized()
        if self._own:
            fresh: dict[str, Any] = {
                "num_cpus": processes or len(os.sched_getaffinity(0)),
                "include_dashboard": False,
                "_node_ip_address": "127.0.0.1",
            }
            try:
                ray.init(
                    address=address or "local",
                    logging_level=logging.ERROR,
                    log_to_driver=False,
                    **({} if address else fresh),
                )
            except (ConnectionError, RuntimeError, ValueError) as error:
                raise Unavailable(f"expected a Ray cluster at {address or 'this machine'}: {error}") from error

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """See `Engine`."""
        ray = self._ray
        # A task whose process was killed has no result: Ray runs it again.
        remote = ray.remote(num_cpus=1, max_retries=_MOST_DEATHS)(_called)
        common = ray.put(shared)
        most = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))
        waiting = list(enumerate(tasks))[::-1]
        running: dict[Any, int] = {}
        while waiting or running:
            while waiting and len(running) < most:
                place, task = waiting.pop()
                running[remote.remote(function, common, task)] = place
            (done, *_), _ = ray.wait(list(running), num_returns=1)
            try:
                result = ray.get(done)
            except ray.exceptions.WorkerCrashedError as error:
                raise Unavailable(
                    f"expected processes that last, but one died {_MOST_DEATHS + 1} times, out of memory perhaps; run "
                    "again: what is done is kept"
                ) from error
            yield running.pop(done), result

    def close(self) -> None:
        """See `Engine`."""
        if self._own and self._ray.is_initialized():
            self._ray.shutdown()


def _called(function: Callable[[S, T], R], shared: S, task: T) -> R:
    one_thread()
    return function(shared, task)
