"""Which users have been seen, in a fixed amount of memory."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray, IntArray

__all__ = ["UsersSeen"]

_BITS = 1 << 22


class UsersSeen:
    """A bitmap of users' hashes; two users may share a bit, and then count as one.

    Source of the count: linear counting, Whang, Vander-Zanden and Taylor (1990).
    """

    def __init__(self) -> None:
        self._seen = np.zeros(_BITS, dtype=bool)

    def first(self, users: IntArray) -> BoolArray:
        """Mark users as seen and say which rows are a user's first, shape (n,); hash 0 is no user, and always first."""
        bit = users % _BITS
        new = (users == 0) | ~self._seen[bit]
        places = np.flatnonzero(new & (users != 0))
        once = np.zeros(users.size, dtype=bool)
        once[places[np.unique(bit[places], return_index=True)[1]]] = True
        self._seen[bit[places]] = True
        return np.asarray((users == 0) | once)

    @property
    def users(self) -> float:
        """How many users were seen, about."""
        free = max(_BITS - int(np.count_nonzero(self._seen)), 1)
        return _BITS * float(np.log(_BITS / free))
