"""One process at a time changes segments that are done with."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def upkeep(folder: Path) -> Iterator[None]:
    """Hold a journal's upkeep lock, waiting for it: erasing must not bring back what retention removes."""
    fd = os.open(folder / ".upkeep", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
