"""Reads all chains of a journal as one."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from engine.core.errors import CorruptState, UnsupportedVersion
from engine.core.outcome import Outcome
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.chain import Chain, chains
from engine.journal.chain_reader import ChainReader
from engine.journal.dead_letters import DeadLetters
from engine.journal.entry import Entry
from engine.journal.instant import from_micros, to_micros
from engine.journal.mark import Mark
from engine.journal.position import Position
from engine.journal.positions import Positions
from engine.journal.record import decode, is_outcome


class JournalReader:
    """Follows a journal while its writers are at work.

    Attributes:
        dead_letters: The records that were whole but could not be understood.
    """

    def __init__(self, folder: Path, dead_letters: DeadLetters | None = None, arms: ArmsOf = no_catalogues) -> None:
        """Read nothing yet.

        Args:
            folder: The journal's folder; it may not exist yet.
            dead_letters: By default `dead_letters.jsonl` in the folder.
            arms: Looks catalogues up, for decisions over many arms.
        """
        self._folder = folder
        self._arms = arms
        self._read: dict[str, Position] = {}
        self._lasts: dict[
            str, tuple[Position, int, bool]
        ] = {}  # what was found out of chains, so that polling is cheap
        self.dead_letters = dead_letters or DeadLetters(folder / "dead_letters.jsonl")

    @property
    def arms(self) -> ArmsOf:
        """Looks catalogues up."""
        return self._arms

    @property
    def folder(self) -> Path:
        """The journal's."""
        return self._folder

    @property
    def positions(self) -> Positions:
        """How far this reader has given records out."""
        return Positions(self._read.values())

    def read(self, after: Positions | None = None, only: str = "") -> Iterator[tuple[Position, Entry]]:
        """Records behind `after` over all chains, in order of recorded_at, ties in order of the chains' names.

        Ends at the end of what was whole when each chain was reached; call again with the positions reached to go on.
        A record that is whole but no record is counted in `dead_letters` and passed over.

        Args:
            after: Where to begin in each chain; None reads everything.
            only: The name of the only chain to read; empty for all.

        Raises:
            CorruptState: If durable records are damaged: file and offset are named.
            UnsupportedVersion: If a newer armsreach wrote a record.
        """
        start = after if after is not None else Positions()
        streams = [
            self._chain(chain, start.get(chain.name)) for chain in chains(self._folder) if only in ("", chain.name)
        ]
        for position, entry in heapq.merge(*streams, key=_order):
            self._note(position, entry)
            yield position, entry

    def outcomes(self, after: Positions | None = None) -> Iterator[Outcome]:
        """Outcomes behind `after`, chain by chain, several times as fast as reading everything.

        What it gives out does not count as read.

        Args:
            after: Where to begin in each chain; None reads everything.
            only: The name of the only chain to read; empty for all.

        Raises:
            CorruptState: If durable records are damaged: file and offset are named.
            UnsupportedVersion: If a newer armsreach wrote a record.
        """
        start = after if after is not None else Positions()
        for chain in chains(self._folder):
            for position, payload in ChainReader(chain).payloads(start.get(chain.name)):
                entry = self._decoded(chain, position, payload) if is_outcome(payload) else None
                if entry is not None and isinstance(entry.record, Outcome):
                    yield entry.record

    def watermark(self, read: Positions | None = None) -> datetime | None:
        """Up to when nothing is missing: the least of the chains' last times.

        A chain that is closed holds nothing back. Where all are closed, the latest of their times counts. A chain
        without any record is not counted, so a writer records a mark before it serves.

        Args:
            read: How far was read in each chain; None for all that this reader has given out.

        Returns:
            Aware UTC; None while a chain with records has not been read.

        Raises:
            CorruptState: If a chain's segments are damaged.
        """
        opened: list[int] = []
        closed: list[int] = []
        positions = self.positions if read is None else read
        for chain in chains(self._folder):
            last = self._last(chain, positions.get(chain.name))
            if last is not None:
                (closed if last[1] else opened).append(last[0])
            elif not ChainReader(chain).is_empty():
                return None
        if opened:
            return from_micros(min(opened))
        return from_micros(max(closed)) if closed else None

    def latest(self) -> datetime | None:
        """When the last record of all was recorded; None if there is none."""
        lasts = (ChainReader(chain).last_of_all() for chain in chains(self._folder))
        return max((from_micros(last[0]) for last in lasts if last is not None), default=None)

    def positions_before(self, at: datetime) -> Positions:
        """Where to begin so as to read every record of `at` or later, and few before it.

        Whole segments that end before `at` are passed over without being read, as when memories of the last hour are
        filled again from a journal of months.

        Args:
            at: Aware.

        Raises:
            CorruptState: If segments are missing.
        """
        micros = to_micros(at)
        starts = (ChainReader(chain).start_before(micros) for chain in chains(self._folder))
        return Positions(start for start in starts if start is not None)

    def is_closed(self, chain: str) -> bool:
        """Whether the chain's last record closes it."""
        last = ChainReader(Chain(self._folder, chain)).last_of_all()
        return last is not None and last[1]

    def _chain(self, chain: Chain, after: Position | None) -> Iterator[tuple[Position, Entry]]:
        for position, payload in ChainReader(chain).payloads(after):
            if (entry := self._decoded(chain, position, payload)) is not None:
                yield position, entry

    def _decoded(self, chain: Chain, position: Position, payload: bytes) -> Entry | None:
        """None for what is whole but no record, which is then a dead letter."""
        try:
            return decode(payload, self._arms)
        except UnsupportedVersion as error:
            raise UnsupportedVersion(f"{chain.segment_path(position.segment)}: {error}") from error
        except CorruptState as error:
            self.dead_letters.add(position, payload, str(error))
            return None

    def _last(self, chain: Chain, position: Position | None) -> tuple[int, bool] | None:
        known = self._lasts.get(chain.name)
        if known is not None and known[0] == position:
            return known[1:]
        last = ChainReader(chain).last(position)
        if position is not None and last is not None:
            self._lasts[chain.name] = (position, *last)
        return last

    def _note(self, position: Position, entry: Entry) -> None:
        closed = isinstance(entry.record, Mark) and entry.record.closed
        self._read[position.chain] = position
        self._lasts[position.chain] = (position, to_micros(entry.recorded_at), closed)


def _order(item: tuple[Position, Entry]) -> tuple[datetime, str]:
    return item[1].recorded_at, item[0].chain
