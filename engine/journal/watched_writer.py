"""A writer whose commits are timed where they happen: in the thread that waits for the disk."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol

from engine.journal.appender import Appender
from engine.journal.position import Position


class CommitWatch(Protocol):
    """Told of every commit, in the committing thread."""

    def began(self) -> None:
        """A commit is under way."""
        ...

    def ended(self, seconds: float, done: bool) -> None:
        """It ended; `done` says whether everything is durable."""
        ...

    def reopened(self) -> None:
        """After a failure, records are taken again."""
        ...


class WatchedWriter:
    """An `Appender` that tells a watch of its commits."""

    def __init__(self, writer: Appender, watch: CommitWatch) -> None:
        """Take the writer over: `close` closes it."""
        self._writer = writer
        self._watch = watch
        self.append = writer.append
        self.append_many = writer.append_many
        self.append_block = writer.append_block

    @property
    def position(self) -> Position:
        """See `Appender`."""
        return self._writer.position

    @property
    def end(self) -> Position:
        """See `Appender`."""
        return self._writer.end

    @property
    def recorded_at(self) -> datetime | None:
        """See `Appender`."""
        return self._writer.recorded_at

    def commit(self) -> None:
        """See `Appender`."""
        self._watch.began()
        began, done = time.perf_counter(), False
        try:
            self._writer.commit()
            done = True
        finally:
            self._watch.ended(time.perf_counter() - began, done)

    def reopen(self) -> None:
        """See `Appender`."""
        self._writer.reopen()
        self._watch.reopened()

    def close(self, at: datetime | None = None) -> None:
        """See `Appender`."""
        self._writer.close(at)
