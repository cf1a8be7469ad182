"""Keeps linear algebra to one thread."""

from __future__ import annotations

from functools import cache

from threadpoolctl import threadpool_limits

__all__ = ["one_thread"]


@cache
def one_thread() -> None:
    """Let this process use one thread in products of matrices, from now on.

    A sweep has a process for each core. And the order in which threads add up their shares moves the last bits of a
    sum, so that a result would depend on how many cores there are.
    """
    threadpool_limits(1)
