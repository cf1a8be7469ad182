"""A file that is written part by part and then stands in place of another."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from engine.store.durable_files import sync_folder


class Replacement(AbstractContextManager["Replacement"]):
    """What `replace_durably` does, for a file that is larger than one wants in memory.

    Readers see the old file until `finish`, then the new one, whole; leaving `with` before that leaves the old one. The
    caller sees to it that no other process replaces the same file at the same time.
    """

    def __init__(self, path: Path) -> None:
        """Begin a file beside `path`.

        Raises:
            OSError: If it cannot be made.
        """
        self._path = path
        self._fresh = fresh_name(path)
        self._fresh.unlink(missing_ok=True)
        self._file = open(self._fresh, "xb")  # noqa: SIM115 - closed by finish or by __exit__

    def write(self, part: bytes | memoryview) -> None:
        """Append bytes.

        Raises:
            OSError: If the disk is full or failing.
        """
        self._file.write(part)

    def finish(self) -> None:
        """Put the file in its place, once it is on disk.

        Raises:
            OSError: If the disk is full or failing; the old file stays.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(self._fresh, self._path)
        sync_folder(self._path.parent)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._file.close()
        finally:
            self._fresh.unlink(missing_ok=True)


def fresh_name(path: Path) -> Path:
    """Where a file lies while it is written; a killed process leaves it behind, and the next one begins it anew."""
    return path.with_name(f".{path.name}.new")
