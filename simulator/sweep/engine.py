"""Where the tasks of a sweep run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

__all__ = ["Engine"]

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")


class Engine(Protocol):
    """Runs pure functions on whatever processes there are; a task whose process dies is run again.

    Which process ran a task, and when, changes no result.
    """

    def run(self, function: Callable[[S, T], R], shared: S, tasks: Sequence[T]) -> Iterator[tuple[int, R]]:
        """Run a function on every task.

        Args:
            function: Of a module, so that other processes find it.
            shared: Its first argument; it is sent once, not with every task.
            tasks: Its second.

        Yields:
            Place among the tasks, and result, in the order in which they are done.

        Raises:
            Unavailable: When processes die again and again.
        """
        ...

    def close(self) -> None:
        """Let the processes go."""
        ...
