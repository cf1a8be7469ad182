"""`python -m engine forget`."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

from rich.console import Console

from engine.config import Settings
from engine.core.errors import InvalidInput
from engine.extras import require
from engine.profiles.registered import registered_profiles
from engine.service.erasable import Erasable
from engine.wiring import open_forgetting


def run(settings: Settings, users: list[str], file: Path | None) -> None:
    """Forget; see the command's help."""
    asked = [*users, *_listed(file)]
    if not asked:
        raise InvalidInput("expected one shopper or more, or a --file that names them", field="USER")
    who = f"{_user()}@{socket.gethostname()}"
    done = open_forgetting(settings, who, _profiles(settings)).forget(list(dict.fromkeys(asked)))
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{_counted(done.shoppers, 'shopper')} forgotten: {_counted(done.records, 'record')} erased in"
        f" {_counted(done.segments, 'journal file')}"
    )
    for gone in [folder for folder in registered_profiles(settings.folder) if not folder.is_dir()]:
        console.print(
            f"warning: no profiles at {gone}; if that folder was moved, or its disk is away, the shoppers are still in"
            " it: bring it back there and run the same command again"
        )
    console.print(f"audit record in {settings.folder / 'audit.jsonl'}; logs that were exported are yours to erase")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _profiles(settings: Settings) -> list[Erasable]:
    """The profile folders that were built for this data folder; rewriting them needs what building them did."""
    folders = registered_profiles(settings.folder)
    if not folders:
        return []
    require("profiles", "polars", "scipy", "sklearn", "implicit", "threadpoolctl")
    from engine.profiles.erasing import ErasableProfiles

    return [ErasableProfiles(folder) for folder in folders]


def _user() -> str:
    """Who runs this; in a container the number may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _listed(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"cannot be read: {error}", field="--file") from None
