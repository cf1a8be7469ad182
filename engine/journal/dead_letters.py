"""Records that are whole but cannot be understood, counted and kept in sight."""

from __future__ import annotations

import logging
from pathlib import Path

import orjson

from engine.core.errors import Unavailable
from engine.journal.position import Position

_log = logging.getLogger(__name__)


class DeadLetters:
    """A JSON-lines file of reasons and positions. The record itself stays in the journal, at its position.

    A record met again, by a reader that starts over, is not counted again.
    """

    def __init__(self, path: Path) -> None:
        """Take up the letters that are there; the file is made with the first new one."""
        self._path = path
        self._met: set[Position] = set()
        self._is_torn = False
        if path.exists():
            data = path.read_bytes()
            self._is_torn = bool(data) and not data.endswith(b"\n")
            self._met.update(position for line in data.splitlines() if (position := _position(line)) is not None)

    @property
    def count(self) -> int:
        """How many records could not be understood."""
        return len(self._met)

    def add(self, position: Position, payload: bytes, reason: str) -> None:
        """Note a record that could not be understood.

        Raises:
            Unavailable: If the disk is full or failing: passing over a record unseen would be worse than to stop.
        """
        if position in self._met:
            return
        letter = {
            "chain": position.chain,
            "segment": position.segment,
            "offset": position.offset,
            "bytes": len(payload),
            "reason": reason,
        }
        line = orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE)
        try:
            with open(self._path, "ab") as file:
                file.write(b"\n" + line if self._is_torn else line)
        except OSError as error:
            raise Unavailable(
                f"{self._path}: expected to note a record that cannot be read ({reason}), got:"
                f" {error.strerror or error}; free space or repair the disk"
            ) from error
        self._is_torn = False
        self._met.add(position)
        _log.warning("journal record before %s set aside in %s: %s", position, self._path, reason)


def _position(line: bytes) -> Position | None:
    """Whose letter it is; None for a line that a crash cut short, whose record will be met again."""
    try:
        letter = orjson.loads(line)
        return Position(letter["chain"], letter["segment"], letter["offset"])
    except (ValueError, KeyError, TypeError):
        return None
