"""Leases in SQLite: one holder a name, on one host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.core.clock import Clock
from engine.core.errors import FailedPrecondition, InvalidInput
from engine.store.database import Database
from engine.store.lease import Lease

_APPLICATION_ID = 0x41524C31
_TABLES = """
CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, epoch INTEGER NOT NULL,
    ttl_us INTEGER NOT NULL, expires_us INTEGER NOT NULL
) STRICT
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteLeases:
    """Gives leases that end by themselves, each with a higher epoch than the one before.

    A holder that slept through its time may not know yet that it lost the lease: whatever it writes is refused by its
    epoch where the result is kept, as `SnapshotStore.publish` does.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open the database.

        Raises:
            CorruptState: If the file is not a database of leases.
            UnsupportedVersion: If a newer armsreach made it.
            Unavailable: If another process keeps it locked.
        """
        self._database = Database(path, _APPLICATION_ID, _TABLES)
        self._clock = clock

    def acquire(self, name: str, holder: str, ttl_s: float) -> Lease:
        """Take a lease that is free, has run out, or is the holder's own (its earlier epoch is then worth nothing).

        Args:
            name: What the lease is for.
            holder: Distinct for every process.
            ttl_s: Seconds until it runs out, unless renewed; above 0.

        Raises:
            FailedPrecondition: If another holder has it.
        """
        if not name or not holder or not ttl_s > 0:
            raise InvalidInput("expected a name, a holder and a time above 0 s", field="lease")
        now, ttl_us = self._now_us(), int(ttl_s * 1_000_000)
        with self._database.writing() as connection:
            row = connection.execute("SELECT holder, epoch, expires_us FROM leases WHERE name = ?", (name,)).fetchone()
            if row is not None and row[0] != holder and row[2] > now:
                raise FailedPrecondition(
                    f"lease {name}: expected it free, but {row[0]} has it for {(row[2] - now) / 1e6:.1f} s more;"
                    " wait, or stop that process"
                )
            epoch = 1 if row is None else row[1] + 1
            connection.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)", (name, holder, epoch, ttl_us, now + ttl_us)
            )
        return Lease(name, holder, epoch)

    def renew(self, lease: Lease) -> Lease:
        """Let it run for its whole time again. Also after it ran out, so long as nobody else took it.

        Raises:
            FailedPrecondition: If it was taken over or released.
        """
        now = self._now_us()
        with self._database.writing() as connection:
            changed = connection.execute(
                "UPDATE leases SET expires_us = ? + ttl_us WHERE name = ? AND holder = ? AND epoch = ? AND ttl_us > 0",
                (now, lease.name, lease.holder, lease.epoch),
            ).rowcount
        if not changed:
            raise _lost(lease)
        return lease

    def release(self, lease: Lease) -> None:
        """Let it go at once; one that was lost already stays as it is."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE leases SET expires_us = 0, ttl_us = 0 WHERE name = ? AND holder = ? AND epoch = ?",
                (lease.name, lease.holder, lease.epoch),
            )

    def check(self, lease: Lease) -> None:
        """Return if the lease is held now.

        Raises:
            FailedPrecondition: If it ran out, was released or was taken over.
        """
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM leases WHERE name = ? AND holder = ? AND epoch = ? AND expires_us > ?",
                (lease.name, lease.holder, lease.epoch, self._now_us()),
            ).fetchone()
        if row is None:
            raise _lost(lease)

    def held(self) -> list[tuple[str, str, float]]:
        """Name, holder and end in seconds since 1970 of every lease that was not released; also of those run out."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name, holder, expires_us FROM leases WHERE ttl_us > 0 ORDER BY name")
            return [(name, holder, expires / 1e6) for name, holder, expires in rows]

    def close(self) -> None:
        """Close the database; leases stay as they are."""
        self._database.close()

    def _now_us(self) -> int:
        return (self._clock.now() - _EPOCH) // timedelta(microseconds=1)


def _lost(lease: Lease) -> FailedPrecondition:
    return FailedPrecondition(
        f"lease {lease.name}: {lease.holder} holds epoch {lease.epoch} no more; stop this work and acquire it anew"
    )
