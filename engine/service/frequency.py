"""Frequency caps as one campaign's decisions meet them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np

from engine.core.decision import Mode
from engine.core.errors import ResourceExhausted
from engine.core.exclusions import Exclusions

COUNTED = frozenset({Mode.LIVE, Mode.CONTROL, Mode.FALLBACK, Mode.FORCED})
"""Modes in which what is chosen goes out."""


class Frequency(Protocol):
    """What a campaign's caps leave each shopper, and the memory of what was sent.

    The order of calls, for a block of requests of one campaign::

        for rows in frequency.rounds(users):                 # nearly always one round
            with frequency.lock:
                bits = frequency.blocked(users, at)          # of these rows
                …                                            # rows with FULL in their bits: ResourceExhausted
                …                                            # leave out what codes(bit) names, then draw
                refused = frequency.count(users, columns, at, ids)
            …                                                # rows in `refused`: ResourceExhausted, nothing was counted

    The lock is held all the while, so that two workers cannot both use a shopper's last send; a shopper who stands
    twice in a block has the later row decided in a later round. `columns` is 0 for rows in other modes than `COUNTED`.
    Journal after the lock: a send is always counted before it is written. What is counted and never becomes durable is
    given back.

    Attributes:
        active: Whether there are any caps.
    """

    active: bool

    @property
    def lock(self) -> AbstractContextManager[None]:
        """Excludes the host's other workers; locks are of processes, so threads of one do not exclude each other."""
        ...

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why an arm is left out; `codes` gives 1 + the index."""
        ...

    def rounds(self, users: Sequence[str]) -> Sequence[Sequence[int]]:
        """Row numbers, so that no shopper stands twice in a round; each shopper's rows keep their order."""
        ...

    def blocked(self, users: Sequence[str], at: Sequence[float] | np.ndarray) -> list[int]:
        """The caps that allow each shopper no further send, as bits; `FULL` where a send could not be counted.

        Args:
            users: n pseudonyms, 32 hexadecimal digits, none twice.
            at: Moments of deciding, in seconds since 1970.
        """
        ...

    def codes(self, bits: int) -> np.ndarray | None:
        """Which arms some reached caps leave out; see `CappedArms.codes`."""
        ...

    def narrowed(self, excluded: Exclusions, bits: int) -> Exclusions:
        """Exclusions of the rules, then those of the reached caps; the same object where none is reached."""
        ...

    def count(
        self,
        users: Sequence[str],
        columns: Sequence[int] | np.ndarray,
        at: Sequence[float] | np.ndarray,
        ids: Sequence[bytes],
    ) -> list[int]:
        """Count what was drawn.

        Args:
            users: n pseudonyms, none twice.
            columns: Chosen arms; 0, `hold`, counts for nothing.
            at: Moments of deciding, in seconds since 1970.
            ids: n decision ids of 16 bytes.

        Returns:
            The row numbers for which there was no room; nothing is counted for those.
        """
        ...

    def give_back(self, user: str, decision_id: bytes, at: float | None = None) -> None:
        """A send did not go out; without effect where it is not counted. Call it under `lock`.

        Args:
            user: Pseudonym.
            decision_id: 16 bytes.
            at: When it was decided, if known.
        """
        ...


def no_room() -> ResourceExhausted:
    """What a request is told whose send could not be counted."""
    return ResourceExhausted(
        "the memory of frequency caps is full of recent sends; retry later or raise caps_table.users"
    )
