"""What a sweep has found so far, kept so that it can go on after it was killed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson

from simulator.report.write import write_report

__all__ = ["State"]


class State:
    """Results as JSON files, each written whole or not at all, and named by a digest of everything it follows from.

    A result is never looked up for another log, other periods, settings or another candidate; a space with further
    candidates finds those that were valued before.

    Args:
        folder: Of the sweep; it is made.
        root: Names log, periods and settings.
    """

    def __init__(self, folder: Path, root: str) -> None:
        self._folder, self._root = folder, root
        self._results.mkdir(parents=True, exist_ok=True)

    def get(self, *what: str | int) -> dict[str, Any] | None:
        """Read a result; None where there is none yet."""
        try:
            found = orjson.loads(self._path(what).read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, result: dict[str, Any], *what: str | int) -> None:
        """Keep a result.

        Raises:
            InvalidInput: When the folder cannot be written to.
        """
        write_report(self._path(what), orjson.dumps(result))

    def models(self, key: str, rung: int) -> Path:
        """Name the folder of a candidate's snapshots."""
        return self._folder / "models" / f"{self._name(('model', key, rung))}"

    @property
    def folder(self) -> Path:
        """Folder of the sweep."""
        return self._folder

    @property
    def _results(self) -> Path:
        return self._folder / "results"

    def _path(self, what: tuple[str | int, ...]) -> Path:
        return self._results / f"{self._name(what)}.json"

    def _name(self, what: tuple[str | int, ...]) -> str:
        text = json.dumps([self._root, *what])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
