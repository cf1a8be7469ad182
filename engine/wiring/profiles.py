"""Opens the profiles that servers take embeddings from."""

from __future__ import annotations

import logging
from pathlib import Path

from engine.config import Settings
from engine.core.errors import ArmsreachError, FailedPrecondition
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles.profile_store import ProfileStore

log = logging.getLogger(__name__)


def open_profiles(settings: Settings, key: KeyedHash) -> ProfileStore | None:
    """Map the profile folder of the settings; None where they name none.

    Raises:
        NotFound: If there is no such folder.
        FailedPrecondition: If it was built under another key, so that nobody would be found.
        UnsupportedVersion: If a newer armsreach wrote it.
        CorruptState: If it is damaged.
    """
    if not settings.profiles.folder:
        return None
    folder = Path(settings.profiles.folder)
    store = ProfileStore(folder)
    if store.key_fingerprint != key.digest(Domain.FINGERPRINT, "server key").hex():
        raise FailedPrecondition(
            f"{folder}: these profiles do not know shoppers by this server's pseudonyms; build them with --data"
            f" {settings.data}"
        )
    return store


def refresh_profiles(store: ProfileStore | None) -> None:
    """Turn to newer profiles; where they are no good, those of before stay."""
    if store is None:
        return
    try:
        store.refresh()
    except (ArmsreachError, OSError) as error:
        log.error("profiles: the newer ones are not used: %s", error)
