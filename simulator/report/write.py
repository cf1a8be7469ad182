"""Writes a finished report to a file, whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.core.errors import InvalidInput

__all__ = ["write_report"]


def write_report(path: Path | None, content: bytes) -> None:
    """Write bytes to a file under its name only when they are all there, or to stdout when `path` is None.

    Raises:
        InvalidInput: When the file cannot be written there.
    """
    if path is None:
        sys.stdout.buffer.write(content + b"\n")
        return
    if path.is_dir():
        raise InvalidInput("expected a path to a file, got a folder; name a file in it", file=str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise InvalidInput(f"expected a writable path, got {error.strerror}; choose another", file=str(path)) from error
