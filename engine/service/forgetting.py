"""Erases shoppers from a data folder, while servers may be at work on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core.clock import Clock
from engine.core.errors import Unavailable
from engine.core.keyed_hash import Domain, KeyedHash
from engine.journal import Erased, erase_users, live_chains
from engine.service.deciding import checked_user
from engine.service.erasable import Erasable
from engine.service.erasure_request import ErasureRequest
from engine.store.audit_log import AuditLog
from engine.store.folder_lock import folder_lock

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was done.

    Attributes:
        shoppers: How many were asked for.
        records: Records of theirs that were changed.
        segments: Journal files that were written anew.
        entries: Entries that were dropped elsewhere.
    """

    shoppers: int
    records: int
    segments: int
    entries: int


class Forgetting:
    """Erases shoppers from the journal, from what servers hold, and from stores beside them.

    It may be killed at any moment: asked again, for anybody, it finishes what was begun. Asked twice, it finds nothing.
    """

    def __init__(
        self,
        folder: Path,
        key: KeyedHash,
        clock: Clock,
        who: str,
        erasables: Sequence[Erasable] = (),
        *,
        patience_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Do nothing yet.

        Args:
            folder: The data folder.
            key: The server's, which makes pseudonyms.
            clock: For the audit record.
            who: Asks for it.
            erasables: Stores in files.
            patience_s: How long to wait for servers.
            sleep: Waits.
        """
        self._journal = folder / "journal"
        self._folder = folder / "erasing"
        self._audit = AuditLog(folder / "audit.jsonl")
        self._key = key
        self._clock = clock
        self._who = who
        self._erasables = tuple(erasables)
        self._patience_s = patience_s
        self._sleep = sleep

    def forget(self, users: Sequence[str]) -> Forgotten:
        """Erase shoppers: everything that was recorded before the call.

        Args:
            users: As the shop knows them.

        Raises:
            InvalidInput: If one is no user id; nothing is erased then.
            Unavailable: If a server does not answer; what it does not write any more is erased, and the rest is once
                the same is asked again.
            CorruptState: If a segment is damaged.
            OSError: If the disk is full or failing.
        """
        for user in users:
            checked_user(user)
        pseudonyms = [self._key.digest(Domain.USER, user).hex() for user in users]
        self._folder.mkdir(parents=True, exist_ok=True)
        with folder_lock(self._folder):
            request = ErasureRequest.save(self._folder, pseudonyms)
            # Who was asked for by a command that was killed is known by pseudonym alone: so all subjects come from it.
            subjects = {pseudonym: self._key.digest(Domain.AUDIT, pseudonym).hex() for pseudonym in request.users}
            self._note("forget begun", {"subjects": sorted(subjects.values())})
            behind = self._wait_for_servers(request)
            erased = erase_users(self._journal, request.users)
            entries = sum(erasable.erase(request.users.keys()) for erasable in self._erasables)
            counts = {subject: erased.records[pseudonym] for pseudonym, subject in sorted(subjects.items())}
            details = {"records": counts, "segments": erased.segments, "entries": entries}
            if behind:
                self._note("forget unfinished", {**details, "waiting_for": behind})
                raise _unfinished(behind, erased)
            request.remove(self._folder)
            self._note("forget done", details)
        return Forgotten(len(request.users), erased.records.total(), erased.segments, entries)

    def _wait_for_servers(self, request: ErasureRequest) -> list[str]:
        """Chains whose writer has not answered in time."""
        ends = time.monotonic() + self._patience_s
        while True:
            behind = [chain for chain in live_chains(self._journal) if not request.is_done(self._folder, chain)]
            if not behind or time.monotonic() >= ends:
                return behind
            self._sleep(_POLL_S)

    def _note(self, what: str, details: dict[str, object]) -> None:
        self._audit.add(self._clock.now(), self._who, what, details)


def _unfinished(behind: Sequence[str], erased: Erased) -> Unavailable:
    return Unavailable(
        f"{erased.records.total()} records are erased, but the server that writes {', '.join(behind)} did not answer,"
        " and what it wrote last is not; look at its log, then run the same command again"
    )
