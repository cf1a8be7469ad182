"""Looks shoppers' vectors up; numpy alone, so that a server can."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import CorruptState
from engine.profiles.profile_folder import MANIFEST, ProfileFolder

KEYS = "keys.npy"
VECTORS = "vectors.npy"
_KEY_BYTES = 16


class ProfileStore:
    """The vectors of a profile folder, mapped: opening reads next to nothing, and workers share the memory.

    A build or an erasing puts another generation in place; `refresh` turns to it.
    """

    def __init__(self, folder: Path) -> None:
        """Map the present generation.

        Raises:
            NotFound: If there is no profile folder.
            UnsupportedVersion: If a newer armsreach wrote it.
            CorruptState: If it is damaged.
        """
        self._folder = folder
        self._stamp: tuple[int, int] | None = None
        self._keys: NDArray[np.bytes_] = np.empty(0, dtype=f"S{_KEY_BYTES}")
        self._vectors: NDArray[np.float32] = np.empty((0, 0), dtype=np.float32)
        self.key_fingerprint = ""
        self.generation = 0
        self.refresh()

    def refresh(self) -> bool:
        """Turn to the present generation, if there is a new one; cheap enough to ask several times a second.

        Raises:
            NotFound, UnsupportedVersion, CorruptState: As when opening; then what was mapped before stays.
        """
        stamp = _stamp(self._folder / MANIFEST)
        if stamp is not None and stamp == self._stamp:
            return False
        opened = ProfileFolder.open(self._folder)
        keys = np.load(opened.path(KEYS), mmap_mode="r")
        vectors = np.load(opened.path(VECTORS), mmap_mode="r")
        if keys.ndim != 1 or vectors.shape != (len(keys), opened.manifest.dimension) or vectors.dtype != np.float32:
            raise CorruptState(f"{self._folder}: keys and vectors do not belong together; build the profiles anew")
        self._keys, self._vectors, self._stamp = keys, vectors, stamp
        self.key_fingerprint = opened.manifest.key_fingerprint
        self.generation = opened.manifest.generation
        return True

    @property
    def dimension(self) -> int:
        """Of a vector."""
        return int(self._vectors.shape[1])

    def embedding(self, user: str) -> NDArray[np.float32] | None:
        """A shopper's vector at length 1; None for a stranger. Shape (d,).

        Args:
            user: As the folder knows shoppers: a pseudonym, if it was built with the server's key.
        """
        rows = self._rows([user])
        return None if rows[0] < 0 else np.array(self._vectors[rows[0]])

    def embeddings(self, users: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of many, zeros for strangers, shape (n, d); and who is known, shape (n,)."""
        rows = self._rows(users)
        found = np.zeros((len(users), self.dimension), dtype=np.float32)
        found[rows >= 0] = self._vectors[rows[rows >= 0]]
        return found, rows >= 0

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, user: str) -> bool:
        return bool(self._rows([user])[0] >= 0)

    def _rows(self, users: Sequence[str]) -> NDArray[np.int64]:
        """Row of each; -1 for strangers."""
        wanted = user_keys(users)
        places = np.searchsorted(self._keys, wanted)
        if not len(self._keys):
            return np.full(len(users), -1, dtype=np.int64)
        same = self._keys[np.minimum(places, len(self._keys) - 1)] == wanted
        return np.where(same, places, -1)


def user_keys(users: Iterable[str]) -> NDArray[np.bytes_]:
    """What stands for shoppers in the file: 16 bytes each, the BLAKE2b digest; shape (n,)."""
    digests = [hashlib.blake2b(user.encode(), digest_size=_KEY_BYTES).digest() for user in users]
    return np.array(digests, dtype=f"S{_KEY_BYTES}")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
