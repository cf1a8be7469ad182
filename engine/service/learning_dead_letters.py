"""Records that nothing could be learned from, with the reason."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import orjson

from engine.core.errors import Unavailable
from engine.journal import Position


class LearningDeadLetters:
    """A JSON-lines file of places and reasons; the records themselves stay in the journal.

    A checkpoint remembers how long the file was. A restart cuts it back to that and writes the rest again, so that
    every letter is there once, without keeping any in memory.

    Args:
        path: The file; made with the first letter.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[bytes] = []
        self._size = path.stat().st_size if path.exists() else 0

    @property
    def size(self) -> int:
        """Bytes of the file once everything is flushed."""
        return self._size

    def add(self, place: Position, reason: str) -> None:
        """Note a record; `flush` puts it on disk."""
        letter = {"chain": place.chain, "segment": place.segment, "offset": place.offset, "reason": reason}
        line = orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)
        self._lines.append(line)
        self._size += len(line)

    def flush(self) -> int:
        """Put the new letters on disk.

        Returns:
            How many there were.

        Raises:
            Unavailable: If the disk is full or failing.
        """
        count, data = len(self._lines), b"".join(self._lines)
        if count:
            try:
                with open(self._path, "ab") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
            except OSError as error:
                with suppress(OSError):  # half a letter would spoil the next one
                    os.truncate(self._path, self._size - len(data))
                raise Unavailable(f"{self._path}: {error.strerror or error}; free space or repair the disk") from error
            self._lines = []
        return count

    def cut(self, size: int) -> None:
        """Go back to what there was when the file had `size` bytes; a file that was moved away stays as it is."""
        self._lines = []
        if self._path.exists() and self._path.stat().st_size > size:
            os.truncate(self._path, size)
        self._size = self._path.stat().st_size if self._path.exists() else 0
