"""Remembers decisions by id for a while, so that a retry gets the same answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from engine.core.decision import Decision
from engine.core.errors import Overloaded, ResourceExhausted, Unavailable
from engine.journal import Position, framed_lengths
from engine.store.tables import RequestEntry, RequestTable
from engine.store.tables.request_table import State

FindRow = Callable[[RequestEntry, bytes], tuple[RequestEntry, Decision] | None]
"""A batch's entry and the id of one of its decisions → an entry for that decision alone, and the decision."""

_ID_BYTES = 16
_ROWS_AT_HAND = 100_000


class RequestMemory(Protocol):
    """A bounded table of decisions.

    Those leave it that are older than a stated time; a full one refuses new decisions rather than forget a young one,
    since that would let a retry decide twice.
    """

    @property
    def ttl(self) -> timedelta:
        """The stated time."""
        ...

    def find(self, id: bytes, now: datetime) -> Decision | None:
        """The decision, once it is durable, while it is young.

        Raises:
            Unavailable: If another worker is making it just now.
        """
        ...

    def find_many(self, id: bytes, now: datetime) -> Sequence[Decision] | None:
        """The decisions of a batch that is remembered as a whole, in any order, once they are durable.

        Raises:
            Unavailable: If another worker is making them just now.
        """
        ...

    def find_row(self, id: bytes, now: datetime) -> Decision | None:
        """One decision of a batch that is remembered as a whole, once it is durable, while it is young.

        Raises:
            Unavailable: If another worker is making the batch just now.
        """
        ...

    def remember(self, ids: Sequence[bytes], decisions: Sequence[Decision], at: datetime) -> Mapping[int, Overloaded]:
        """Take up decisions that are being written; or one id for all of a batch.

        Returns:
            Number → why it was not taken up: there is no room, or another worker took it up a moment ago.
        """
        ...

    def settle(self, ids: Sequence[bytes], before: Position, positions: Sequence[Position]) -> None:
        """Note that they are durable, and where: `before` is the end of what was written before them."""
        ...

    def give_back_once(self, id: bytes) -> bool:
        """Whether the decision is remembered and this was not asked before."""
        ...

    def forget(self, ids: Sequence[bytes]) -> None:
        """Drop decisions that never became durable."""
        ...


class LocalRequestMemory:
    """The memory of one process, as a dictionary; for tests and simulations.

    Attributes:
        ttl: The stated time.
    """

    def __init__(self, ttl_s: float, capacity: int) -> None:
        self.ttl = timedelta(seconds=ttl_s)
        self._capacity = capacity
        self._given_back: set[bytes] = set()
        self._decisions: OrderedDict[bytes, tuple[datetime, Sequence[Decision], int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._decisions)

    def find(self, id: bytes, now: datetime) -> Decision | None:
        """See `RequestMemory`."""
        found = self._young(id, now)
        return None if found is None else found[1][found[2]]

    def find_many(self, id: bytes, now: datetime) -> Sequence[Decision] | None:
        """See `RequestMemory`."""
        found = self._young(id, now)
        return None if found is None else found[1]

    def find_row(self, id: bytes, now: datetime) -> Decision | None:
        """See `RequestMemory`."""
        known = list(self._decisions.items())  # in one step, as this may be another thread
        batches = [kept[1] for key, kept in known if key[:8] == id[8:] and kept[0] > now - self.ttl]
        return next((one for batch in batches for one in batch if one.id == id.hex()), None)

    def remember(self, ids: Sequence[bytes], decisions: Sequence[Decision], at: datetime) -> Mapping[int, Overloaded]:
        """See `RequestMemory`."""
        while self._decisions and next(iter(self._decisions.values()))[0] <= at - self.ttl:
            self._decisions.popitem(last=False)
        refused: dict[int, Overloaded] = {}
        for i, id in enumerate(ids):
            if len(self._decisions) < self._capacity:
                self._decisions[id] = at, decisions, i
            else:
                refused[i] = ResourceExhausted(
                    f"{self._capacity} decisions are younger than {self.ttl.total_seconds():g} s; retry later or raise"
                    " request_ids.capacity"
                )
        return refused

    def give_back_once(self, id: bytes) -> bool:
        """See `RequestMemory`."""
        batches = (key for key in self._decisions if key[:8] == id[8:])
        if id in self._given_back or (id not in self._decisions and next(batches, None) is None):
            return False
        self._given_back.add(id)
        return True

    def settle(self, ids: Sequence[bytes], before: Position, positions: Sequence[Position]) -> None:
        """See `RequestMemory`; here nothing is left to note."""

    def forget(self, ids: Sequence[bytes]) -> None:
        """See `RequestMemory`."""
        for id in ids:
            self._decisions.pop(id, None)

    def _young(self, id: bytes, now: datetime) -> tuple[datetime, Sequence[Decision], int] | None:
        found = self._decisions.get(id)
        return None if found is None or found[0] <= now - self.ttl else found


class SharedRequestMemory:
    """The memory of all workers of a host: a table of places, and the journal for what lies there.

    Attributes:
        ttl: The stated time.
    """

    def __init__(
        self,
        table: RequestTable,
        ttl_s: float,
        chain: int,
        read: Callable[[RequestEntry], Sequence[Decision]],
        find_row: FindRow,
    ) -> None:
        """Use a table.

        Args:
            table: Shared by the workers.
            ttl_s: The stated time.
            chain: This worker's number.
            read: Reads the decisions of an entry from the journal.
            find_row: Finds one decision of a batch there.
        """
        self.ttl = timedelta(seconds=ttl_s)
        self._table = table
        self._chain = chain
        self._slots: dict[bytes, int] = {}
        self._read = read
        self._find_row = find_row
        self._rows: dict[bytes, RequestEntry] = {}
        self._rows_guard = threading.Lock()  # they are looked up in threads

    def find(self, id: bytes, now: datetime) -> Decision | None:
        """See `RequestMemory`."""
        found = self.find_many(id, now)
        return None if found is None else found[-1]

    def find_many(self, id: bytes, now: datetime) -> Sequence[Decision] | None:
        """See `RequestMemory`."""
        entry = self._table.get(id)
        if entry is None or entry.at <= (now - self.ttl).timestamp():
            return None
        if entry.state == State.PENDING:
            raise Unavailable("this request is being decided at this moment; try again")
        return self._read(entry)

    def find_row(self, id: bytes, now: datetime) -> Decision | None:
        """See `RequestMemory`."""
        batch = self._table.starting(id[8:]) if len(id) == _ID_BYTES else None
        if batch is None or batch.at <= (now - self.ttl).timestamp():
            return None
        if batch.state == State.PENDING:
            raise Unavailable("this batch is being decided at this moment; try again")
        found = self._find_row(batch, id)
        if found is None:
            return None
        with self._rows_guard:
            while len(self._rows) >= _ROWS_AT_HAND:
                self._rows.pop(next(iter(self._rows)))
            self._rows[id], decision = found
        return decision

    def remember(
        self,
        ids: Sequence[bytes],
        decisions: Sequence[Decision],  # noqa: ARG002 - the journal has them
        at: datetime,
    ) -> Mapping[int, Overloaded]:
        """See `RequestMemory`."""
        now = at.timestamp()
        refused: dict[int, Overloaded] = {}
        with self._table.lock:
            for i, id in enumerate(ids):
                try:
                    self._slots[id] = self._table.claim(id, now, self._chain)
                except Overloaded as error:
                    refused[i] = error
        return refused

    def give_back_once(self, id: bytes) -> bool:
        """See `RequestMemory`."""
        with self._rows_guard:
            row = self._rows.pop(id, None)
        if row is None and self._table.get(id) is None:  # one report may name more rows than are kept at hand
            row = self._row_of(id)
        with self._table.lock:
            entry = self._table.get(id) or row
            if entry is None or entry.state != State.DURABLE:
                return False
            self._table.restore(entry._replace(state=State.GIVEN_BACK), entry.at)
            return self._table.get(id) is not None  # without room for the note, it could be given back once more

    def _row_of(self, id: bytes) -> RequestEntry | None:
        batch = self._table.starting(id[8:]) if len(id) == _ID_BYTES else None
        if batch is None or batch.state == State.PENDING:
            return None
        found = self._find_row(batch, id)
        return None if found is None else found[0]

    def settle(self, ids: Sequence[bytes], before: Position, positions: Sequence[Position]) -> None:
        """See `RequestMemory`."""
        with self._table.lock:
            for id, position, length in zip(ids, positions, framed_lengths(before, positions), strict=True):
                self._table.settle(self._slots.pop(id), id, position.segment, position.offset, length)

    def forget(self, ids: Sequence[bytes]) -> None:
        """See `RequestMemory`."""
        with self._table.lock:
            for id in ids:
                self._table.drop(id)
                self._slots.pop(id, None)
