"""Memory that a process and those that it forks see together."""

from __future__ import annotations

import mmap
import os
import weakref


class SharedMemory:
    """Anonymous memory, zero at first, that outlives any one of the workers and no machine.

    Attributes:
        buffer: The bytes.
        fd: A descriptor to lock; every process that was forked has it.
    """

    def __init__(self, name: str, size: int) -> None:
        """Reserve memory; pages are taken up as they are written.

        Args:
            name: What `/proc` shows.
            size: Bytes.
        """
        self.fd = os.memfd_create(name, os.MFD_CLOEXEC)
        os.ftruncate(self.fd, size)
        self.buffer = mmap.mmap(self.fd, size)
        self._closing = weakref.finalize(self, os.close, self.fd)

    def close(self) -> None:
        """Let it go in this process."""
        self.buffer.close()
        self._closing()
