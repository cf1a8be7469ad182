"""The single writer of one chain."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from engine.core.decision_block import DecisionBlock
from engine.core.errors import CorruptState, InvalidInput
from engine.journal.arms_of import ArmsOf, no_catalogues
from engine.journal.batch_head import UNNAMED, BatchHead
from engine.journal.chain import Chain, sync_folder
from engine.journal.chain_lock import ChainLock
from engine.journal.entry import Record
from engine.journal.instant import from_micros, to_micros
from engine.journal.journal_failed import JournalFailed
from engine.journal.mark import Mark
from engine.journal.position import Position
from engine.journal.record import encode, encode_compact, encode_many
from engine.journal.recovery import Recovery, recover
from engine.journal.segment import FRAME_BYTES, HEADER_BYTES, MAX_RECORD_BYTES, frame, frame_rows, framed_bytes
from engine.journal.segment_file import SegmentFile

Durability = Literal["fsync", "write"]

SYNC_EVERY_BYTES = 1 << 20
"""With durability "write", how much a power cut can cost at most."""

_NEVER = -(1 << 63)


class SegmentWriter:
    """Appends records to a chain and makes them durable.

    `append` only buffers; a record is acknowledged when the `commit` after it returns. `append` may be called while
    another thread is in `commit`. Every opening begins a new segment, so that a position once read never comes to mean
    another record, whatever recovery cut.

    Attributes:
        recovery: What opening the chain found, torn bytes included.
    """

    def __init__(
        self,
        folder: Path,
        chain: str,
        durability: Durability = "fsync",
        segment_bytes: int = 64 << 20,
        arms: ArmsOf = no_catalogues,
    ) -> None:
        """Open the chain, and make it if there is none.

        Args:
            folder: The journal's folder.
            chain: The chain's name, this writer's own.
            durability: "fsync": an acknowledged record survives a power cut; "write": it survives the end of the
                process, and a power cut costs at most the last `SYNC_EVERY_BYTES`.
            segment_bytes: Size from which a new segment is begun; below 2 GiB.
            arms: Looks catalogues up, for compact decisions over many arms.

        Raises:
            FailedPrecondition: If another writer has the chain.
            CorruptState: If the chain is damaged before its tail.
            JournalFailed: If the disk is full or failing.
        """
        if durability not in ("fsync", "write"):
            raise InvalidInput(f"expected fsync or write, got {durability!r}", field="durability")
        if not HEADER_BYTES < segment_bytes < 1 << 31:
            raise InvalidInput(
                f"expected {HEADER_BYTES + 1} to 2**31 - 1 bytes, got {segment_bytes}", field="segment_bytes"
            )
        self._chain = Chain(folder, chain)
        self._durability = durability
        self._segment_bytes = segment_bytes
        self._arms = arms
        self._append_guard = threading.Lock()
        self._commit_guard = threading.Lock()
        self._pending: list[tuple[int, list[bytes | np.ndarray]]] = []  # segment, payloads or `frame_rows`
        self._failure: JournalFailed | None = None
        self._closed = False
        self._open()

    def _open(self) -> None:
        lock = None
        try:
            self._chain.path.mkdir(parents=True, exist_ok=True)
            lock = ChainLock(self._chain.path)
            sync_folder(self._chain.folder)
            self.recovery: Recovery = recover(self._chain)
            self._file = SegmentFile(self._chain, self.recovery.last_segment + 1)
        except OSError as error:
            if lock is not None:
                lock.release()
            raise _failed(self._chain, error) from error
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        self._lock = lock
        micros = self.recovery.recorded_micros
        self._last_micros = _NEVER if micros is None else micros
        self._next = (self._file.segment, HEADER_BYTES)
        self._acknowledged = self._next

    @property
    def chain(self) -> str:
        """The chain's name."""
        return self._chain.name

    @property
    def position(self) -> Position:
        """The end of what is acknowledged."""
        return Position(self._chain.name, *self._acknowledged)

    @property
    def end(self) -> Position:
        """The end of what was appended, durable or not."""
        return Position(self._chain.name, *self._next)

    @property
    def recorded_at(self) -> datetime | None:
        """The chain's clock: when its last record was recorded; None before the first."""
        return None if self._last_micros == _NEVER else from_micros(self._last_micros)

    def append(self, record: Record, at: datetime) -> Position:
        """Buffer a record.

        Args:
            record: What to record.
            at: When; aware. A time before the chain's last is moved up to it, as a chain's clock never falls back.

        Returns:
            Where the record will end.

        Raises:
            InvalidInput: If the record cannot be written as it is, or is larger than 16 MiB.
            JournalFailed: If an earlier commit failed, or the writer is closed.
        """
        return self.append_many((record,), at)[0]

    def append_many(self, records: Sequence[Record], at: datetime) -> list[Position]:
        """Buffer records side by side, all or none.

        Raises:
            InvalidInput: If one cannot be written as it is; then none is.
            JournalFailed: If an earlier commit failed, or the writer is closed.
        """
        with self._append_guard:
            self._check()
            micros = max(to_micros(at), self._last_micros)
            recorded_at = from_micros(micros)
            payloads = encode_many(records, recorded_at, self._arms)
            for payload in payloads:
                _check_size(payload)
            self._last_micros = micros if payloads else self._last_micros
            return [self._placed(payload) for payload in payloads]

    def append_block(self, block: DecisionBlock, at: datetime, batch: bytes = b"") -> tuple[Position, Position]:
        """Buffer decisions whose contexts are columns, side by side in one segment, all or none; their order is lost.

        Args:
            block: The decisions.
            at: When; see `append`.
            batch: What they are remembered under as a batch; empty for a batch that will not be sent again.

        Returns:
            The place before the first of them, and the end of the last.

        Raises:
            InvalidInput: If one cannot be written as it is; then none is.
            JournalFailed: If an earlier commit failed, or the writer is closed.
        """
        with self._append_guard:
            self._check()
            micros = max(to_micros(at), self._last_micros)
            matrices = encode_compact(block, from_micros(micros), FRAME_BYTES)
            self._last_micros = micros
            size = sum(rows.size for rows in matrices)
            if size >= 1 << 31:
                raise InvalidInput(f"expected a batch of less than 2 GiB, got {size} bytes; send less at once")
            head = encode(BatchHead(batch or UNNAMED, size), from_micros(micros), self._arms)
            segment, offset = self._place(framed_bytes(head) + size)
            self._pending[-1][1].extend([head, *matrices])
            begin = offset + framed_bytes(head)
            self._next = (segment, begin + size)
            return Position(self._chain.name, segment, begin), Position(self._chain.name, *self._next)

    def _placed(self, payload: bytes) -> Position:
        segment, offset = self._place(len(payload))
        self._pending[-1][1].append(payload)
        self._next = (segment, offset + framed_bytes(payload))
        return Position(self._chain.name, *self._next)

    def _place(self, payload_bytes: int) -> tuple[int, int]:
        """Where the next frame begins; opens its list in the buffer."""
        segment, offset = self._next
        if offset > HEADER_BYTES and offset + payload_bytes > self._segment_bytes:
            segment, offset = segment + 1, HEADER_BYTES
        if not self._pending or self._pending[-1][0] != segment:
            self._pending.append((segment, []))
        return segment, offset

    def begin_segment(self) -> None:
        """Let the next record begin a segment, so that those before it are all done with."""
        with self._append_guard:
            self._check()
            if self._next[1] > HEADER_BYTES:
                self._next = (self._next[0] + 1, HEADER_BYTES)

    def commit(self) -> None:
        """Make everything appended so far durable. What is durable is acknowledged.

        Raises:
            JournalFailed: If the disk is full or failing. Nothing of this commit is acknowledged, what was written of
                it is cut off again, and the writer takes no more until `reopen`.
        """
        with self._commit_guard:
            with self._append_guard:
                self._check()
                taken, self._pending = self._pending, []
            if not taken:
                return
            try:
                for segment, payloads in taken:
                    self._write(segment, payloads)
                if self._durability == "fsync" or self._file.written - self._file.synced >= SYNC_EVERY_BYTES:
                    self._file.sync()
            except OSError as error:
                raise self._fail(error) from error
            except BaseException as error:  # what was taken is lost, and places were given out for it
                raise self._fail(OSError(f"{type(error).__name__} while writing")) from error
            self._acknowledged = (self._file.segment, self._file.written)

    def reopen(self) -> None:
        """After a failure, open the chain anew in a new segment, if the disk lets us; without one, do nothing.

        What was not acknowledged is cut off first, or it would stand there beside the answer to a retry. Call it while
        no `commit` is under way and none is owed for what was appended before the failure.

        Raises:
            JournalFailed: If the disk is full or failing still; the writer stays as it is.
            CorruptState: If the chain was damaged meanwhile.
        """
        with self._commit_guard:
            if self._failure is None or self._closed:
                return
            try:
                self._take_back()
            except OSError as error:
                raise _failed(self._chain, error) from error
            self._lock.release()
            self._open()
            with self._append_guard:
                self._pending, self._failure = [], None

    def close(self, at: datetime | None = None) -> None:
        """Commit what is left, record that the chain is closed, and let it go; a second time does nothing.

        Args:
            at: The present; by default the chain's last time. A chain without any record stays without one.

        Raises:
            JournalFailed: If the last commit failed; the chain is let go all the same.
        """
        if self._closed:
            return
        try:
            if self._failure is None:
                last = at or self.recorded_at
                if last is not None:
                    self.append(Mark(closed=True), last)
                self.commit()
                self._sync_last()
        finally:
            self._closed = True
            self._file.close()
            self._lock.release()

    def _write(self, segment: int, payloads: list[bytes | np.ndarray]) -> None:
        if segment != self._file.segment:
            self._file.sync()
            self._file.close()
            self._file = SegmentFile(self._chain, segment)
        durable = self._file.synced
        self._file.append([frame(p, durable) if isinstance(p, bytes) else frame_rows(p, durable) for p in payloads])

    def _sync_last(self) -> None:
        try:
            self._file.sync()
        except OSError as error:
            raise self._fail(error) from error

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise JournalFailed(f"{self._chain.path}: expected an open writer, but it was closed; open the chain anew")

    def _fail(self, error: OSError) -> JournalFailed:
        """Fail for good, and take back what was written but not acknowledged."""
        self._failure = _failed(self._chain, error)
        self._file.close()
        with suppress(OSError, CorruptState):
            self._take_back()
        return self._failure

    def _take_back(self) -> None:
        """Cut off what was written but not acknowledged."""
        acknowledged, offset = self._acknowledged
        for segment in self._chain.segments():
            if segment >= acknowledged:
                _cut(self._chain.segment_path(segment), offset if segment == acknowledged else HEADER_BYTES)


def _check_size(payload: bytes) -> None:
    if len(payload) > MAX_RECORD_BYTES:
        raise InvalidInput(
            f"expected a record of at most {MAX_RECORD_BYTES} bytes, got {len(payload)}; send less with it",
            field="record",
        )


def _cut(path: Path, size: int) -> None:
    """Shorten a file to `size`; where even that fails, its checksums still keep half a record from being read."""
    fd = os.open(path, os.O_WRONLY)
    try:
        if os.fstat(fd).st_size > size:
            os.ftruncate(fd, size)
            os.fsync(fd)
    finally:
        os.close(fd)


def _failed(chain: Chain, error: OSError) -> JournalFailed:
    return JournalFailed(
        f"{chain.path}: expected to write the journal, got: {error.strerror or error}; free space or repair the disk,"
        " then open the chain anew"
    )
