"""Many callers, one sync: batches form while a commit is under way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

from engine.core.decision_block import DecisionBlock
from engine.journal.appender import Appender
from engine.journal.entry import Record
from engine.journal.journal_failed import JournalFailed
from engine.journal.position import Position


class Added(NamedTuple):
    """Records on their way to the disk.

    Attributes:
        before: The end of what was recorded before them.
        positions: The end of each.
        durable: Done once they are durable. All that is committed together share it: add callbacks, never cancel it.
    """

    before: Position
    positions: list[Position]
    durable: asyncio.Future[None]


class GroupCommit:
    """Appends from an event loop and answers once the record is durable.

    An idle journal commits at once, with no delay; what arrives during a commit shares the next one. Callers wait on a
    shielded future of their batch, so that a call that is cancelled takes nothing from the others; its own record may
    be written all the same.
    """

    def __init__(self, writer: Appender) -> None:
        """Take the writer over: `close` closes it."""
        self._writer = writer
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal-commit")
        self._batch: asyncio.Future[None] | None = None
        self._committing: asyncio.Task[None] | None = None
        self._closed = False

    async def append(self, record: Record, at: datetime) -> Position:
        """Record, and return once it is durable.

        Raises:
            InvalidInput: If the record cannot be written; nothing was recorded.
            JournalFailed: If it was not made durable: it counts as never recorded.
        """
        self._check()
        position = self._writer.append(record, at)
        await asyncio.shield(self._next_commit())
        return position

    async def append_many(self, records: Sequence[Record], at: datetime) -> list[Position]:
        """Record all in their order, side by side in one chain, and return once they are durable.

        Raises:
            InvalidInput: If one cannot be written; none was recorded.
            JournalFailed: If they were not made durable.
        """
        added = self.add(records, at)
        if added.positions:
            await asyncio.shield(added.durable)
        return added.positions

    def add(self, records: Sequence[Record], at: datetime) -> Added:
        """Record all in their order, side by side, without waiting.

        Raises:
            InvalidInput: If one cannot be written; none was recorded.
            JournalFailed: If an earlier commit failed.
        """
        self._check()
        before = self._writer.end
        return Added(before, self._writer.append_many(records, at), self._next_commit())

    def add_block(self, block: DecisionBlock, at: datetime, batch: bytes = b"") -> Added:
        """Record decisions whose contexts are columns, without waiting; see `SegmentWriter.append_block`.

        Raises:
            InvalidInput: If one cannot be written; none was recorded.
            JournalFailed: If an earlier commit failed.
        """
        self._check()
        before, end = self._writer.append_block(block, at, batch)
        return Added(before, [end], self._next_commit())

    async def close(self) -> None:
        """Take no more, wait for all that was taken to be durable, and close the writer; again does nothing.

        Raises:
            JournalFailed: If the last commit failed.
        """
        if self._closed:
            return
        self._closed = True
        if self._committing is not None:
            await asyncio.shield(self._committing)
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._writer.close)
        finally:
            self._executor.shutdown(wait=False)

    def _check(self) -> None:
        if self._closed:
            raise JournalFailed("expected an open journal, but it is closing; send the request to another server")

    def _next_commit(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        if self._batch is None:
            self._batch = loop.create_future()
        if self._committing is None:
            self._committing = loop.create_task(self._commit_all())
        return self._batch

    async def _commit_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._batch is not None:
                batch, self._batch = self._batch, None
                try:
                    await loop.run_in_executor(self._executor, self._writer.commit)
                except BaseException as error:
                    _fail(batch, error)
                    if not isinstance(error, Exception):
                        raise
                else:
                    batch.set_result(None)
        finally:
            self._committing = None


def _fail(batch: asyncio.Future[None], error: BaseException) -> None:
    """Tell every waiter; and mark the error as seen, as all of them may have been cancelled."""
    failure = error if isinstance(error, Exception) else JournalFailed("the commit was cut short by a shutdown")
    batch.set_exception(failure)
    batch.exception()
