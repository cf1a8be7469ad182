"""Which users were counted before: shares are of users, and some shoppers come by a hundred times."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from engine.core.pseudonyms import raw_of
from engine.store.tables.shared_memory import SharedMemory

SLOTS = 1 << 22
_DIGITS = 32


class SeenUsers:
    """A table of one byte a slot, shared by all workers and campaigns, where a user's pseudonym marks its slot.

    A user whose slot another one marked before is not counted. That thins all groups alike, as the slot comes from the
    pseudonym and the group from another keyed hash; shares stay what they are. Two workers that meet a user at the same
    instant may both count it.
    """

    def __init__(self, slots: int = SLOTS, memory: SharedMemory | None = None) -> None:
        """Begin with nobody; `slots` is a power of two."""
        self.memory = memory or SharedMemory("armsreach-seen", slots)
        self._mask = slots - 1
        self._table = np.frombuffer(self.memory.buffer, dtype=np.uint8)

    def new_ones(self, users: Sequence[str], salt: int) -> np.ndarray:
        """Rows of users who are here for the first time under `salt`, each user once; and mark them."""
        try:
            digests = np.frombuffer(raw_of(users), dtype=">u4")
            hashes = digests[:: len(digests) // len(users)].astype(np.int64)
            if len(hashes) != len(users) or len(users[0]) != _DIGITS:
                raise ValueError
        except ValueError:
            hashes = np.array([zlib.crc32(user.encode()) for user in users], dtype=np.int64)
        slots = (hashes + salt) & self._mask
        rows = np.flatnonzero(self._table[slots] == 0)
        if len(rows):
            found, first = np.unique(slots[rows], return_index=True)
            self._table[found] = 1
            rows = rows[first]
        return rows
