"""A host's name in a ledger that several hosts share."""

from __future__ import annotations

import secrets
from pathlib import Path

from engine.core.errors import CorruptState
from engine.store.durable_files import replace_durably
from engine.store.folder_lock import folder_lock


def node_name(folder: Path) -> str:
    """The name of a data folder, made once and kept in it: what its workers hold is counted from its journal alone.

    A copy of a data folder must not be served beside the original. If it is, the ledger lets only the later one go on.

    Raises:
        CorruptState: If the kept name is none.
        OSError: If the folder cannot be written.
    """
    path = folder / "node.name"
    folder.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder):
        if not path.exists():
            replace_durably(path, secrets.token_hex(8).encode())
    name = path.read_text(encoding="ascii", errors="replace").strip()
    if not name.isalnum():
        raise CorruptState(
            f"{path}: expected letters and digits; restore it, or what this host has leased stays unspent"
        )
    return name
