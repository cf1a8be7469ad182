"""Whom to forget, as a file that command line and servers share."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from engine.core.errors import CorruptState
from engine.core.forgotten import forgotten_name
from engine.store.durable_files import sync_folder

_FILE = "request.json"


@dataclass(frozen=True, slots=True)
class ErasureRequest:
    """An erasing under way. It is gone once all is done; then nothing leads from the new names to shoppers.

    Attributes:
        id: Tells it from any other.
        users: Pseudonym → the name to put in its place.
    """

    id: str
    users: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> ErasureRequest | None:
        """The one that is under way in a folder; None if there is none.

        Raises:
            CorruptState: If the file is none.
        """
        path = folder / _FILE
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            document = orjson.loads(data)
            return cls(document["id"], dict(document["users"]))
        except (ValueError, KeyError, TypeError):
            raise CorruptState(
                f"{path}: expected an erasing under way; remove it and forget the shoppers again"
            ) from None

    @classmethod
    def save(cls, folder: Path, users: Iterable[str]) -> ErasureRequest:
        """Ask for shoppers to be forgotten, durably; those of an erasing that was interrupted are asked for again.

        Raises:
            OSError: If the disk is full or failing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        before = cls.load(folder)
        names = dict(before.users) if before else {}
        made = cls(secrets.token_hex(8), names | {user: forgotten_name() for user in users if user not in names})
        fresh = folder / f".{_FILE}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps({"id": made.id, "users": dict(made.users)}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, folder / _FILE)
        sync_folder(folder)
        return made

    def remove(self, folder: Path) -> None:
        """It is done."""
        for path in folder.glob("*.done"):
            path.unlink(missing_ok=True)
        (folder / _FILE).unlink(missing_ok=True)
        sync_folder(folder)

    def note_done(self, folder: Path, chain: str) -> None:
        """Say that the process that writes a chain holds nothing of these shoppers, and that its segment is closed."""
        fresh = folder / f".{chain}.part"
        fresh.write_text(self.id)
        os.replace(fresh, folder / f"{chain}.done")

    def is_done(self, folder: Path, chain: str) -> bool:
        """Whether that was said."""
        try:
            return (folder / f"{chain}.done").read_text() == self.id
        except FileNotFoundError:
            return False


def request_stamp(folder: Path) -> tuple[int, int] | None:
    """What changes whenever a request is made; None while there is none. Cheap enough to ask several times a second."""
    try:
        found = os.stat(folder / _FILE)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
