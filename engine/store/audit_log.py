"""What was done to personal data, by whom and when."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from engine.store.durable_files import sync_folder


class AuditLog:
    """A JSON-lines file that only grows. It names shoppers by a keyed hash of its own, which no journal has."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, at: datetime, who: str, what: str, details: Mapping[str, Any]) -> None:
        """Write a line, durably.

        Raises:
            OSError: If the disk is full or failing.
        """
        line = orjson.dumps(
            {"at": at.isoformat(), "who": who, "what": what, **details}, option=orjson.OPT_APPEND_NEWLINE
        )
        is_new = not self._path.exists()
        fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(fd, line)
            os.fsync(fd)
        finally:
            os.close(fd)
        if is_new:
            sync_folder(self._path.parent)
