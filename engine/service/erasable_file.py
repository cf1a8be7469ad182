"""A file that is made again from the journal."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


class ErasableFile:
    """Whose shoppers cannot be erased one by one, as of a checkpoint: forgetting removes it. See `Erasable`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def erase(self, users: Collection[str]) -> int:  # noqa: ARG002
        """See `Erasable`."""
        is_there = self._path.exists()
        self._path.unlink(missing_ok=True)
        return int(is_there)
