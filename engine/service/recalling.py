"""Fills memories of requests and outcomes from the journal, so that a retry after a restart finds its decision."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path

from engine.core.decision import Decision
from engine.core.errors import CorruptState
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import ArmsOf, BatchEnd, Entry, JournalReader, Position, framed_lengths, records_at
from engine.journal.segment import HEADER_BYTES
from engine.service.batch_request import MAX_ROWS
from engine.service.outcome_memory import OutcomeMemory
from engine.store.tables import RequestEntry, RequestTable
from engine.store.tables.request_table import State

MAX_WORKERS = 256
_AT_ONCE = 4 * MAX_ROWS


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


def recall(reader: JournalReader, table: RequestTable, ttl_s: float, outcomes: OutcomeMemory, now: datetime) -> None:
    """Fill the memories with what is young; doing it again changes nothing.

    Args:
        reader: The journal.
        table: Of requests.
        ttl_s: How long a request is young.
        outcomes: Of outcome ids.
        now: The present.
    """
    recalling = _Recalling(table, ttl_s, outcomes, now.timestamp())
    with table.lock:
        for position, entry in reader.read(reader.positions_before(now - timedelta(seconds=ttl_s))):
            recalling.take(position, entry)
        recalling.end()


class _Recalling:
    """One reading of a journal."""

    def __init__(self, table: RequestTable, ttl_s: float, outcomes: OutcomeMemory, now: float) -> None:
        self._table = table
        self._oldest = now - ttl_s
        self._outcomes = outcomes
        self._now = now
        self._ends: dict[str, Position] = {}
        self._waiting: dict[str, list[RequestEntry]] = {}
        self._not_sent: list[str] = []

    def take(self, position: Position, entry: Entry) -> None:
        record, chain = entry.record, position.chain
        before = self._ends.get(chain, Position(chain, position.segment, HEADER_BYTES))
        self._ends[chain] = position
        if isinstance(record, Outcome):
            self._outcomes.add([f"{record.campaign}\0{record.id}"], entry.recorded_at)
            if record.type is OutcomeType.NOT_SENT and record.decision_id:
                self._not_sent.append(record.decision_id)
        elif chain not in _NUMBERS:
            return
        elif isinstance(record, Decision):
            (length,) = framed_lengths(before, [position])
            place = (position.segment, position.offset, length, _NUMBERS[chain], State.DURABLE)
            id, at = bytes.fromhex(record.id), int(record.decided_at.timestamp())
            self._waiting.setdefault(chain, []).append(RequestEntry(id, at, *place))
        elif isinstance(record, BatchEnd):
            self._end_batch(before, position, record, int(entry.recorded_at.timestamp()))
        young = self._waiting.get(chain, [])
        if len(young) > _AT_ONCE:
            self._restore(young[:-MAX_ROWS])
            del young[:-MAX_ROWS]

    def _end_batch(self, before: Position, position: Position, record: BatchEnd, at: int) -> None:
        """Its rows are remembered as one: the batch may be sent again, but none of its rows alone."""
        chain = position.chain
        (own,) = framed_lengths(before, [position])
        end = position.offset - own
        young = self._waiting.setdefault(chain, [])
        while young and young[-1].segment == position.segment and young[-1].end > end - record.length:
            young.pop()
        place = (position.segment, end, record.length, _NUMBERS[chain], State.DURABLE)
        young.append(RequestEntry(record.id, at, *place))

    def end(self) -> None:
        for entries in self._waiting.values():
            self._restore(entries)
        for decision_id in self._not_sent:
            with contextlib.suppress(ValueError):
                found = self._table.get(bytes.fromhex(decision_id))
                if found is not None and found.state == State.DURABLE:
                    self._table.restore(found._replace(state=State.GIVEN_BACK), self._now)

    def _restore(self, entries: Iterable[RequestEntry]) -> None:
        for entry in entries:
            if entry.at > self._oldest:
                self._table.restore(entry, self._now)
