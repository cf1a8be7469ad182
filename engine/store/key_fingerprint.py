"""Which key a data folder was written under."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import FailedPrecondition
from engine.core.keyed_hash import Domain, KeyedHash
from engine.store.durable_files import replace_durably
from engine.store.folder_lock import folder_lock

_FILE = "key.fingerprint"


def require_same_key(folder: Path, key: KeyedHash) -> None:
    """Keep a key's fingerprint with the data folder, or compare it with the one that is kept.

    Under another key every shopper would be another one: caps would begin anew, holdout and control would be drawn
    again, retries would decide twice, and nobody could be forgotten any more.

    Raises:
        FailedPrecondition: If the folder was written under another key.
        OSError: If the disk is full or failing.
    """
    path = folder / _FILE
    fingerprint = key.digest(Domain.FINGERPRINT, "server key").hex()
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        with folder_lock(folder):
            if not path.exists():
                replace_durably(path, fingerprint.encode())
    if path.read_text(errors="replace").strip() != fingerprint:
        raise FailedPrecondition(
            f"{path}: this data folder was written under another server key; give that one (ARMSREACH_SERVER_KEY, or"
            " server.key in the folder), or begin a new data folder: pseudonyms, caps and holdout do not carry over"
        )
