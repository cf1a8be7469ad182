"""Which profile folders belong to a data folder, so that forgetting finds them."""

from __future__ import annotations

from pathlib import Path

import orjson

from engine.core.errors import CorruptState
from engine.store.durable_files import replace_durably
from engine.store.folder_lock import folder_lock

_FILE = "profile_folders.json"


def register_profiles(data: Path, folder: Path) -> None:
    """Note that a profile folder holds shoppers of a data folder; before anything is written to it.

    Raises:
        CorruptState: If the note is damaged.
        OSError: If the disk is full or failing.
    """
    data.mkdir(parents=True, exist_ok=True)
    with folder_lock(data):
        known = registered_profiles(data)
        if (path := folder.resolve()) not in known:
            replace_durably(data / _FILE, orjson.dumps([str(one) for one in (*known, path)]))


def registered_profiles(data: Path) -> tuple[Path, ...]:
    """All that were noted, whether or not they are still there.

    Raises:
        CorruptState: If the note is damaged.
    """
    path = data / _FILE
    try:
        names = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CorruptState(
            f"{path}: expected a list of profile folders; write them there as JSON, so that all are found"
        )
    return tuple(Path(name) for name in names)
