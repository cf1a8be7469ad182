"""Clients on threads, until they are told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

_ENDS_S = 60.0


class ClientThreads(AbstractContextManager[Any]):
    """`with` starts them, and at its end tells them to stop and waits.

    Attributes:
        stop: Set at the end; each looks at it between two calls.
    """

    def __init__(self, works: Sequence[Callable[[], None]]) -> None:
        """Make the threads.

        Args:
            works: What each does.
        """
        self.stop = threading.Event()
        self._threads = [threading.Thread(target=work) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join(_ENDS_S)
