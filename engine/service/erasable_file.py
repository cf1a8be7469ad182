"""A file that is made again from the journal."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from engine.store.replacement import fresh_name


class ErasableFile:
    """Whose shoppers cannot be erased one by one, as of a checkpoint: forgetting removes it. See `Erasable`.

    One that is being written goes, too: whoever writes it fails to put it in its place, and makes another later.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def erase(self, users: Collection[str]) -> int:  # noqa: ARG002
        """See `Erasable`."""
        is_there = self._path.exists()
        for path in (fresh_name(self._path), self._path):
            path.unlink(missing_ok=True)
        return int(is_there)
