"""The few ways in which the store touches files, so that another kind of storage has little to replace."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, data: bytes) -> None:
    """Write a new file, and return once its bytes are on disk.

    Raises:
        OSError: If the disk is full or failing, or the file exists.
    """
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, data: bytes) -> None:
    """Put a file in place of another in one step: readers see the old one or the new one, whole.

    The caller sees to it that no other process replaces the same file at the same time.

    Raises:
        OSError: If the disk is full or failing; the old file stays.
    """
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    write_durably(fresh, data)
    os.replace(fresh, path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: If the disk is failing.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
