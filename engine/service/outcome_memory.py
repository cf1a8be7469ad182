"""Remembers recent outcome ids, to answer duplicates at once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from engine.core.errors import ResourceExhausted, Unavailable
from engine.store.tables import RequestEntry, RequestTable
from engine.store.tables.request_table import State

_UNDER_WAY = "an outcome of this report is being recorded at this moment; try again"


class OutcomeMemory(Protocol):
    """The latest outcome ids.

    It keeps repeats out of the journal; it is not what makes outcomes count once: the join is, over all of the journal.
    A full memory therefore forgets, rather than refuse outcomes.
    """

    def seen(self, key: str) -> bool:
        """Whether this id was recorded lately.

        Raises:
            Unavailable: If it is being recorded just now, so that nobody can say yet.
        """
        ...

    def claim(self, keys: Sequence[str], at: datetime) -> None:
        """Take up ids that are about to be written, all or none; none of them was seen.

        Raises:
            Unavailable: If another worker took one of them up a moment ago.
        """
        ...

    def add(self, keys: Iterable[str], at: datetime) -> None:
        """Remember ids that are durable now."""
        ...

    def forget(self, keys: Iterable[str]) -> None:
        """Drop ids that never became durable."""
        ...


class LocalOutcomeMemory:
    """The memory of one process, up to a capacity; for tests and simulations."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._keys: OrderedDict[str, None] = OrderedDict()
        self._claimed: set[str] = set()

    def seen(self, key: str) -> bool:
        """See `OutcomeMemory`."""
        if key in self._claimed:
            raise Unavailable(_UNDER_WAY)
        return key in self._keys

    def claim(self, keys: Sequence[str], at: datetime) -> None:  # noqa: ARG002
        """See `OutcomeMemory`."""
        self._claimed.update(keys)

    def add(self, keys: Iterable[str], at: datetime) -> None:  # noqa: ARG002
        """See `OutcomeMemory`."""
        for key in keys:
            self._claimed.discard(key)
            self._keys[key] = None
        while len(self._keys) > self._capacity:
            self._keys.popitem(last=False)

    def forget(self, keys: Iterable[str]) -> None:
        """See `OutcomeMemory`."""
        self._claimed.difference_update(keys)


class SharedOutcomeMemory:
    """The memory of all workers of a host: an outcome that is reported again to another worker is found there, too."""

    def __init__(self, table: RequestTable, chain: int) -> None:
        """Use a table.

        Args:
            table: Shared by the workers.
            chain: This worker's number.
        """
        self._table = table
        self._chain = chain

    def seen(self, key: str) -> bool:
        """See `OutcomeMemory`."""
        entry = self._table.get(_id_of(key))
        if entry is not None and entry.state == State.PENDING:
            raise Unavailable(_UNDER_WAY)
        return entry is not None

    def claim(self, keys: Sequence[str], at: datetime) -> None:
        """See `OutcomeMemory`."""
        taken: list[bytes] = []
        with self._table.lock:
            for id in map(_id_of, keys):
                try:
                    self._table.claim(id, at.timestamp(), self._chain)
                except ResourceExhausted:
                    continue
                except Unavailable:
                    for one in taken:
                        self._table.drop(one)
                    raise Unavailable(_UNDER_WAY) from None
                taken.append(id)

    def add(self, keys: Iterable[str], at: datetime) -> None:
        """See `OutcomeMemory`. What another worker has under way is left to that worker."""
        now = int(at.timestamp())
        with self._table.lock:
            for id in map(_id_of, keys):
                known = self._table.get(id)
                if known is None or known.state == State.DURABLE or known.chain == self._chain:
                    with suppress(ResourceExhausted):
                        self._table.restore(RequestEntry(id, now, 0, 0, 0, self._chain, State.DURABLE), now)

    def forget(self, keys: Iterable[str]) -> None:
        """See `OutcomeMemory`."""
        with self._table.lock:
            for key in keys:
                self._table.drop(_id_of(key))


def _id_of(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), digest_size=16).digest()
