"""A segment that is being written."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress

from engine.journal.chain import Chain, sync_folder
from engine.journal.segment import HEADER_BYTES, segment_header

_LARGE_BYTES = 1 << 16
"""Parts of this size are written from where they lie, smaller ones put together first."""


class SegmentFile:
    """The one file of a chain that is open for writing.

    Attributes:
        segment: Its number.
        written: Bytes handed to the operating system.
        synced: Bytes known to be on disk.
    """

    def __init__(self, chain: Chain, segment: int) -> None:
        """Make the file, with its header and its name durable before any record goes into it.

        Raises:
            OSError: If the disk is full or failing, or the file exists.
        """
        self.segment = segment
        self.written = self.synced = HEADER_BYTES
        path = chain.segment_path(segment)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        try:
            self._write(segment_header())
            os.fsync(self._fd)
            sync_folder(chain.path)
        except OSError:
            os.close(self._fd)
            with suppress(OSError):
                os.unlink(path)
            raise

    def append(self, parts: Sequence[bytes | memoryview]) -> None:
        """Hand bytes to the operating system, all of them.

        Raises:
            OSError: If it took only a part, which the caller then has to cut off.
        """
        small: list[bytes | memoryview] = []
        for part in parts:
            if len(part) < _LARGE_BYTES:
                small.append(part)
            else:
                self._write(b"".join(small))
                self._write(part)
                small.clear()
        self._write(b"".join(small))
        self.written += sum(map(len, parts))

    def sync(self) -> None:
        """Return once all that was appended is on disk.

        Raises:
            OSError: If it is not; the operating system may then have dropped it, so trying again proves nothing.
        """
        os.fdatasync(self._fd)
        self.synced = self.written

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]
