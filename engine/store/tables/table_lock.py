"""One worker at a time changes a table."""

from __future__ import annotations

import fcntl
from contextlib import AbstractContextManager
from types import TracebackType


class TableLock(AbstractContextManager[None]):
    """A record lock on one byte of a descriptor: the kernel lets it go when its process ends, however it ends.

    It is held for the few microseconds of one block of requests. Locks are of processes: threads of one process do not
    exclude each other.
    """

    def __init__(self, fd: int, byte: int = 0) -> None:
        self._fd = fd
        self._byte = byte

    def __enter__(self) -> None:
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, self._byte)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, self._byte)


class NullLock(AbstractContextManager[None]):
    """For a table that one process has to itself."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
