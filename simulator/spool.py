"""Chunks of a log between one pass and the next: in memory while they are few, else in a temporary folder."""

from __future__ import annotations

import pickle
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.log import Log

__all__ = ["Spool"]

#: Bytes of chunks that stay in memory.
_IN_MEMORY = 192 << 20
_WIDE = ("eligible", "probabilities", "embedding")


@dataclass(frozen=True, slots=True)
class _OnDisk:
    """A chunk whose wide columns lie in files; it is mapped, not read, so that a pass touches only what it uses."""

    narrow: Path
    wide: tuple[tuple[str, Path, str, tuple[int, ...]], ...]

    def read(self) -> Log:
        with self.narrow.open("rb") as file:
            log: Log = pickle.load(file)
        mapped: dict[str, Any] = {
            name: np.asarray(np.memmap(path, dtype=dtype, mode="r", shape=shape))
            for name, path, dtype, shape in self.wide
        }
        return replace(log, **mapped)


class Spool:
    """Keeps chunks in their order, to be read as often as wanted.

    The temporary folder (under TMPDIR) goes when the spool does.
    """

    def __init__(self) -> None:
        self._chunks: list[Log | _OnDisk] = []
        self._bytes = 0
        self._folder: Path | None = None

    def append(self, chunk: Log) -> None:
        """Take a chunk."""
        self._bytes += _size(chunk)
        self._chunks.append(chunk if self._bytes <= _IN_MEMORY else self._written(chunk))

    def __iter__(self) -> Iterator[Log]:
        for chunk in self._chunks:
            yield chunk.read() if isinstance(chunk, _OnDisk) else chunk

    def _written(self, chunk: Log) -> _OnDisk:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="armsreach-replay-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        stem = self._folder / f"{len(self._chunks):06d}"
        wide = []
        emptied: dict[str, Any] = {}
        for name in _WIDE:
            column: NDArray[Any] | None = getattr(chunk, name)
            if column is not None and column.size:
                path = stem.with_suffix(f".{name}")
                np.ascontiguousarray(column).tofile(path)
                wide.append((name, path, column.dtype.str, column.shape))
                emptied[name] = column[:0]
        narrow = stem.with_suffix(".narrow")
        with narrow.open("wb") as file:
            pickle.dump(replace(chunk, **emptied), file, protocol=pickle.HIGHEST_PROTOCOL)
        return _OnDisk(narrow, tuple(wide))


def _size(chunk: Log) -> int:
    wide = sum(0 if (column := getattr(chunk, name)) is None else column.nbytes for name in _WIDE)
    # What else a row holds: ids, users, codes of contexts, outcomes.
    return wide + 400 * chunk.rows
