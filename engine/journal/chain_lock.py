"""One writer a chain, whatever processes there are."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.core.errors import FailedPrecondition


class ChainLock:
    """An advisory lock on a chain's folder; the kernel lets it go when its process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            FailedPrecondition: If another writer holds it.
        """
        self._fd = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._fd)
            raise FailedPrecondition(
                f"{path}: expected to be the chain's only writer, but process {holder} writes it;"
                " stop that one, or give this one a data folder of its own"
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let it go; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
