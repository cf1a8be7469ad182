"""What lies in a data folder: campaigns, snapshots, journal and key."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import Settings, read_toml
from engine.core.arm import ArmId
from engine.core.errors import CorruptState, FailedPrecondition
from engine.core.keyed_hash import KeyedHash
from engine.journal import (
    JournalReader,
)
from engine.service.campaigns import Campaigns
from engine.service.clocks import ClientClock, SystemClock
from engine.service.serving import Serving
from engine.store.documents import DocumentStore
from engine.store.key_fingerprint import require_same_key
from engine.store.snapshots import SnapshotStore

if TYPE_CHECKING:
    pass


def open_campaigns(settings: Settings) -> Campaigns:
    """The campaigns of a data folder."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    return Campaigns(DocumentStore(settings.folder / "state.db"))


def create_campaign_files(settings: Settings, campaigns: Campaigns) -> list[str]:
    """Create the campaigns that the settings name, unless they exist.

    Raises:
        ConfigError: Naming file and key.
    """
    known = {stored.campaign.id for stored in campaigns.all()}
    made = []
    for name in settings.campaigns:
        data = read_toml(Path(name))
        if data.get("id") not in known:
            made.append(campaigns.create(data, file=name).campaign.id)
    return made


def snapshot_stores(settings: Settings) -> Callable[[str], SnapshotStore]:
    """Campaign id → its snapshots."""

    @cache
    def store(campaign: str) -> SnapshotStore:
        return SnapshotStore(settings.folder / "snapshots", campaign)

    return store


def arms_of(campaigns: Campaigns, servings: Mapping[str, Serving] | None = None) -> Callable[[str], Sequence[ArmId]]:
    """Catalogue digest → arm ids, for compact journal records.

    Catalogues that are being served are at hand: reading a large one from the store takes longer than a client waits.
    """

    @lru_cache(maxsize=256)
    def ids(digest: str) -> Sequence[ArmId]:
        for serving in (servings or {}).values():
            if serving.catalogue.digest == digest:
                return serving.catalogue.ids
        return campaigns.catalogue(digest).ids

    return ids


def open_key(settings: Settings) -> KeyedHash:
    """The server's key: from `ARMSREACH_SERVER_KEY` (hexadecimal), or made once and kept in the data folder.

    Raises:
        CorruptState: If the kept key is not what was written.
        FailedPrecondition: If the data folder was written under another key.
    """
    text = os.environ.get("ARMSREACH_SERVER_KEY")
    path = settings.folder / "server.key"
    if not text:
        settings.folder.mkdir(parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
        except FileExistsError:
            pass
        text = path.read_text()
    try:
        key = KeyedHash(bytes.fromhex(text.strip()))
    except ValueError:
        raise CorruptState(
            f"{path}: expected hexadecimal digits; restore the key, or holdout and control change"
        ) from None
    require_same_key(settings.folder, key)
    return key


def open_journal(settings: Settings, campaigns: Campaigns) -> JournalReader:
    """The journal of a data folder, for reading.

    Raises:
        FailedPrecondition: If there is none yet.
    """
    return JournalReader(journal_folder(settings), arms=arms_of(campaigns))


def journal_folder(settings: Settings) -> Path:
    """Where the journal of a data folder lies; looking for it makes no folder.

    Raises:
        FailedPrecondition: If there is none yet.
    """
    folder = settings.folder / "journal"
    if not folder.is_dir():
        raise FailedPrecondition(f"{settings.folder}: no server has used this data folder yet; start `serve` first")
    return folder


def clock_of(settings: Settings, reader: JournalReader) -> SystemClock | ClientClock:
    """The present: this machine's, or the journal's latest where requests tell the time."""
    return ClientClock(reader.latest()) if settings.clock == "client" else SystemClock()
