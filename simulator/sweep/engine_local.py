"""All cores of this machine."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from engine.core.errors import Unavailable
from simulator.sweep.one_thread import one_thread

__all__ = ["LocalEngine"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

_MOST_DEATHS = 3


class LocalEngine:
    """Runs tasks in processes of its own, one Vowpal Wabbit in each.

    No more tasks are under way than keep the processes busy, so that memory does not grow with their number. What tasks
    share lies in a file, which each process reads once.

    Args:
        processes: How many; as many as this process may use cores when None.
    """

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or len(os.sched_getaffinity(0))
        self._folder = tempfile.TemporaryDirectory(prefix="armsreach-sweep-", ignore_cleanup_errors=True)
        self._shared = 0
        self._pool: ProcessPoolExecutor | None = None

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """See `Engine`."""
        self._shared += 1
        path = Path(self._folder.name, f"{self._shared:06d}.pickle")
        path.write_bytes(pickle.dumps(shared, protocol=pickle.HIGHEST_PROTOCOL))
        waiting = list(enumerate(tasks))[::-1]
        running: dict[Future[R], tuple[int, T]] = {}
        deaths = 0
        while waiting or running:
            try:
                while waiting and len(running) < 2 * self._processes:
                    place, task = waiting.pop()
                    try:
                        running[self._workers().submit(_called, str(path), function, task)] = place, task
                    except BrokenProcessPool:
                        waiting.append((place, task))
                        raise
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    yield running.pop(future)[0], result
            except BrokenProcessPool as error:
                deaths += 1
                if deaths > _MOST_DEATHS:
                    raise Unavailable(
                        f"expected processes that last, but one died {deaths} times, out of memory perhaps; take a "
                        "shorter log or fewer processes, and run again: what is done is kept"
                    ) from error
                # Nobody can tell whose process died; whatever had no result is run again.
                waiting += sorted(running.values(), key=lambda one: -one[0])
                running.clear()
                self._drop()
        path.unlink()

    def close(self) -> None:
        """See `Engine`."""
        self._drop()
        self._folder.cleanup()

    def _workers(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, since a fork copies native threads in whatever state they are.
            self._pool = ProcessPoolExecutor(self._processes, get_context("spawn"), initializer=one_thread)
        return self._pool

    def _drop(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _called(path: str, function: Callable[[Any, T], R], task: T) -> R:
    return function(_loaded(path), task)


@lru_cache(maxsize=1)
def _loaded(path: str) -> Any:
    return pickle.loads(Path(path).read_bytes())
