"""Fills memories of requests and outcomes from the journal, so that a retry after a restart finds its decision."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path

from engine.core.decision import Decision
from engine.core.errors import CorruptState
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import (
    UNNAMED,
    ArmsOf,
    BatchHead,
    BatchIndex,
    Entry,
    JournalReader,
    Position,
    batch_index,
    framed_lengths,
    records_at,
    row_at,
)
from engine.journal.segment import HEADER_BYTES
from engine.service.outcome_memory import OutcomeMemory
from engine.service.request_memory import FindRow
from engine.store.tables import RequestEntry, RequestTable
from engine.store.tables.request_table import State

MAX_WORKERS = 256
_AT_ONCE = 256
_ID_BYTES = 16
_LATER_HALF = slice(16, None)
"""Of a decision id in hexadecimal digits: for one of a batch, it names the batch."""
_SEARCHES = 4
"""So many decisions of one batch are searched for before the batch is indexed."""


def chain_name(worker: int) -> str:
    """The journal chain of a worker."""
    return f"worker-{worker}"


_NUMBERS = {chain_name(i): i for i in range(MAX_WORKERS)}


def entry_reader(journal: Path, arms: ArmsOf) -> Callable[[RequestEntry], list[Decision]]:
    """Reads the decisions of a remembered request."""

    def read(entry: RequestEntry) -> list[Decision]:
        position = Position(chain_name(entry.chain), entry.segment, entry.end)
        found = [r for r in records_at(journal, position, entry.length, arms) if isinstance(r, Decision)]
        if not found:
            raise CorruptState(f"{journal}: expected a decision at {position}; restore the journal from a copy")
        return found

    return read


def row_finder(journal: Path, arms: ArmsOf) -> FindRow:
    """Finds one decision of a remembered batch.

    Searching a batch of 100,000 takes some 6 ms; whoever looks for a few in one batch, looks for more: bounces come by
    the thousand. So then it is indexed, and the index kept until another batch is asked for several times.
    """
    asked: dict[Position, int] = {}
    indexed: tuple[Position, BatchIndex] | None = None

    def find(batch: RequestEntry, id: bytes) -> tuple[RequestEntry, Decision] | None:
        nonlocal asked, indexed
        position = Position(chain_name(batch.chain), batch.segment, batch.end)
        kept = indexed
        if kept is None or kept[0] != position:
            times = asked.get(position, 0)
            asked = {position: times + 1}
            kept = (position, batch_index(journal, position, batch.length)) if times >= _SEARCHES else None
            indexed = kept or indexed
        found = row_at(journal, position, batch.length, id, arms, kept[1] if kept else None)
        if found is None:
            return None
        end, length, record = found
        return (batch._replace(id=id, end=end.offset, length=length), record) if isinstance(record, Decision) else None

    return find


def recall(
    reader: JournalReader,
    table: RequestTable,
    ttl_s: float,
    outcomes: OutcomeMemory,
    now: datetime,
    chain: str = "",
) -> None:
    """Fill the memories with what is young; doing it again changes nothing.

    Args:
        reader: The journal.
        table: Of requests; locked for a few entries at a time, as other workers may be using it.
        ttl_s: How long a request is young.
        outcomes: Of outcome ids.
        now: The present.
        chain: The only chain to read, where others have workers of their own; empty for all.
    """
    recalling = _Recalling(table, ttl_s, outcomes, now.timestamp(), row_finder(reader.folder, reader.arms))
    for position, entry in reader.read(reader.positions_before(now - timedelta(seconds=ttl_s)), chain):
        recalling.take(position, entry)
    recalling.end()


class _Recalling:
    """One reading of a journal."""

    def __init__(
        self, table: RequestTable, ttl_s: float, outcomes: OutcomeMemory, now: float, find_row: FindRow
    ) -> None:
        self._table = table
        self._find_row = find_row
        self._oldest = now - ttl_s
        self._outcomes = outcomes
        self._now = now
        self._ends: dict[str, Position] = {}
        self._batches: dict[str, Position] = {}
        self._waiting: list[RequestEntry] = []
        self._not_sent: list[str] = []

    def take(self, position: Position, entry: Entry) -> None:
        record, chain = entry.record, position.chain
        before = self._ends.get(chain, Position(chain, position.segment, HEADER_BYTES))
        self._ends[chain] = position
        if isinstance(record, Outcome):
            self._outcomes.add([f"{record.campaign}\0{record.id}"], entry.recorded_at)
            if record.type is OutcomeType.NOT_SENT and record.decision_id:
                self._not_sent.append(record.decision_id)
        elif chain in _NUMBERS:
            self._remember(before, position, entry)
        if len(self._waiting) >= _AT_ONCE:
            self._restore()

    def _remember(self, before: Position, position: Position, entry: Entry) -> None:
        record, chain = entry.record, position.chain
        if isinstance(record, BatchHead):
            # Its rows are remembered as one: the batch may be sent again, but none of its rows alone.
            end = self._batches[chain] = Position(chain, position.segment, position.offset + record.length)
            if record.id != UNNAMED:
                self._add(record.id, entry.recorded_at, end, record.length)
        elif isinstance(record, Decision):
            batch = self._batches.get(chain)
            if batch is None or batch.segment != position.segment or batch.offset < position.offset:
                (length,) = framed_lengths(before, [position])
                self._add(bytes.fromhex(record.id), record.decided_at, position, length)

    def _add(self, id: bytes, at: datetime, end: Position, length: int) -> None:
        seconds = int(at.timestamp())
        if seconds > self._oldest:
            place = (end.segment, end.offset, length, _NUMBERS[end.chain], State.DURABLE)
            self._waiting.append(RequestEntry(id, seconds, *place))

    def end(self) -> None:
        self._restore()
        for decision_id in sorted(self._not_sent, key=itemgetter(_LATER_HALF)):  # one batch's after the other's
            with contextlib.suppress(ValueError):
                self._given_back(bytes.fromhex(decision_id))

    def _given_back(self, id: bytes) -> None:
        """Note that a decision gave back what it took: no second report may give it back again."""
        found = self._table.get(id)
        batch = self._table.starting(id[8:]) if found is None and len(id) == _ID_BYTES else None
        if batch is not None and batch.state == State.DURABLE and batch.at > self._oldest:
            row = self._find_row(batch, id)
            found = None if row is None else row[0]
        if found is not None and found.state == State.DURABLE:
            with self._table.lock:
                self._table.restore(found._replace(state=State.GIVEN_BACK), self._now)

    def _restore(self) -> None:
        with self._table.lock:
            for entry in self._waiting:
                known = self._table.get(entry.id)
                if known is None or known.state == State.PENDING or known.at <= self._oldest:
                    self._table.restore(entry, self._now)
        self._waiting.clear()
