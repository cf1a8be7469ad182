"""Write a text file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from engine.core.errors import InvalidInput


def write_whole(path: Path, parts: Iterable[str], *, encoding: str = "utf-8") -> None:
    """Write parts one after the other into a file that appears by rename.

    Raises:
        InvalidInput: The folder does not exist or cannot be written, or the path is a folder.
    """
    if path.is_dir():
        raise InvalidInput("expected a file to write, got a folder; give a name within it", file=str(path))
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or Path())
    except OSError as error:
        message = f"cannot write there ({error.strerror}); make the folder or choose another"
        raise InvalidInput(message, file=str(path)) from error
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding=encoding, newline="") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        # A scratch file is private; the result is a file like any other.
        umask = os.umask(0)
        os.umask(umask)
        scratch.chmod(0o666 & ~umask)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
