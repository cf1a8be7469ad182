"""The ledger that the settings name."""

from __future__ import annotations

from pathlib import Path

from engine.store.ledger.ledger import Ledger
from engine.store.ledger.redis_ledger import RedisLedger
from engine.store.ledger.sqlite_ledger import SqliteLedger


def open_ledger(folder: Path, url: str, prefix: str) -> Ledger:
    """Open the ledger: in Redis where there is a URL, else in SQLite in the data folder.

    Raises:
        FailedPrecondition: If Redis may forget what it acknowledged.
        Unavailable: If it cannot be reached.
        CorruptState, UnsupportedVersion: If the file is no ledger, or a newer one.
        ModuleNotFoundError: If a URL is given and the extra `redis` is not installed.
    """
    return RedisLedger(url, prefix) if url else SqliteLedger(folder / "ledger.db")
