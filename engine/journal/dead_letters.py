"""Records that are whole but cannot be understood, counted and kept in sight."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import orjson

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
        if path.exists():
            with open(path, "rb") as file:
                self._met.update(map(_position, file))

    @property
    def count(self) -> int:
        """How many records could not be understood."""
        return len(self._met)

    def add(self, position: Position, payload: bytes, reason: str) -> None:
        """Note a record that could not be understood."""
        if position in self._met:
            return
        self._met.add(position)
        letter = {
            "chain": position.chain,
            "segment": position.segment,
            "offset": position.offset,
            "bytes": len(payload),
            "reason": reason,
        }
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(fd, orjson.dumps(letter, option=orjson.OPT_APPEND_NEWLINE))
        finally:
            os.close(fd)
        _log.warning("journal record before %s set aside in %s: %s", position, self._path, reason)


def _position(line: bytes) -> Position:
    letter = orjson.loads(line)
    return Position(letter["chain"], letter["segment"], letter["offset"])
