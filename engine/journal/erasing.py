"""Takes shoppers out of a journal, and leaves every record in its place.

A segment that is done with is written anew beside itself, each record as long as it was, and put in its place in one
step. So a reader sees the one file or the other, never a mixture; a kill leaves one of them; and no position changes.
"""

from __future__ import annotations

import mmap
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.core.errors import FailedPrecondition, UnsupportedVersion
from engine.journal.chain import Chain, chains, sync_folder
from engine.journal.chain_lock import ChainLock
from engine.journal.record import shredded
from engine.journal.recovery import damage
from engine.journal.segment import HEADER_BYTES, check_header, frame, framed_bytes, frames, is_damaged
from engine.journal.upkeep import upkeep

_FEW = 16
"""Up to so many users are searched for as texts first, which is many times faster than reading records."""


@dataclass(slots=True)
class Erased:
    """What an erasing did.

    Attributes:
        records: User → records that were changed.
        segments: Files that were written anew.
        open: Chains whose writer is at work: their last segment was left as it is.
    """

    records: Counter[str] = field(default_factory=Counter)
    segments: int = 0
    open: list[str] = field(default_factory=list)


def live_chains(folder: Path) -> list[str]:
    """Chains that a process writes at this moment."""
    return [chain.name for chain in chains(folder) if chain.segments() and _lock(chain, keep=False) is None]


def erase_users(folder: Path, users: Mapping[str, str]) -> Erased:
    """Erase shoppers from all segments but those that are being written.

    Doing it again changes nothing, and finishes what a kill interrupted.

    Args:
        folder: The journal's folder.
        users: Those to forget → the names to put in their place, of the same length.

    Raises:
        CorruptState: If a segment is damaged; those before it are done.
        UnsupportedVersion: If a newer armsreach wrote a record.
        OSError: If the disk is full or failing.
    """
    erased = Erased()
    with upkeep(folder):
        for chain in chains(folder):
            _erase_chain(chain, users, erased)
    return erased


def _erase_chain(chain: Chain, users: Mapping[str, str], erased: Erased) -> None:
    for left in [*chain.path.glob(".*.new"), *chain.path.glob("*.torn")]:
        left.unlink()  # halves of copies; and what recovery cut, of which nobody was ever told that it is safe
    segments = chain.segments()
    if not segments:
        return
    for segment in segments[:-1]:
        _erase_segment(chain, segment, users, erased, last=False)
    lock = _lock(chain, keep=True)
    if lock is None:
        erased.open.append(chain.name)
        return
    try:
        _erase_segment(chain, segments[-1], users, erased, last=True)
    finally:
        lock.release()
    sync_folder(chain.path)


def _lock(chain: Chain, *, keep: bool) -> ChainLock | None:
    """The chain's lock; None where its writer has it."""
    try:
        lock = ChainLock(chain.path)
    except FailedPrecondition:
        return None
    if not keep:
        lock.release()
    return lock


def _erase_segment(chain: Chain, segment: int, users: Mapping[str, str], erased: Erased, *, last: bool) -> None:
    path = chain.segment_path(segment)
    fd = os.open(path, os.O_RDONLY)
    try:
        if not check_header(fd, path):
            return
        size = os.fstat(fd).st_size
        if not last and len(users) <= _FEW and not _mentions(fd, users):
            return
        changes = _changes(fd, path, size, users, last=last)
        if not changes:
            return
        data = bytearray(os.pread(fd, size, 0))
    finally:
        os.close(fd)
    for start, user, new in changes:
        data[start : start + len(new)] = new
        if user:
            erased.records[user] += 1
    _replace(path, data)
    erased.segments += 1


def _mentions(fd: int, users: Mapping[str, str]) -> bool:
    """Whether a file has one of the users' names in it; reads at the speed of the disk."""
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as data:
        return any(data.find(user.encode()) >= 0 for user in users)


def _changes(fd: int, path: Path, size: int, users: Mapping[str, str], *, last: bool) -> list[tuple[int, str, bytes]]:
    """What to write where: offset, whose record, and its new frame."""
    found = []
    searched = [user.encode() for user in users] if len(users) <= _FEW else []
    end = HEADER_BYTES
    for one in frames(fd, HEADER_BYTES, size):
        start, end = one.end - framed_bytes(one.payload), one.end
        if searched and not any(user in one.payload for user in searched):
            continue
        try:
            changed = shredded(one.payload, users)
        except UnsupportedVersion as error:
            raise UnsupportedVersion(f"{path}: {error}") from error
        if changed is not None:
            found.append((start, changed[0], frame(changed[1], one.durable)))
    if end < size:
        if not last or is_damaged(fd, end, size):
            raise damage(path, end)
        tail = os.pread(fd, size - end, end)
        if any(tail):  # the torn end of a write that nobody was promised: recovery will cut it, and keep a copy
            found.append((end, "", bytes(size - end)))
    return found


def _replace(path: Path, data: bytes | bytearray) -> None:
    fresh = path.with_name(f".{path.name}.new")
    with open(fresh, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_folder(path.parent)
