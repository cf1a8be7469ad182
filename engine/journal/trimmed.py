"""Up to which segment a chain was cut on purpose."""

from __future__ import annotations

import os

from engine.core.errors import CorruptState
from engine.journal.chain import Chain, sync_folder

_NAME = "trimmed"


def trimmed_through(chain: Chain) -> int:
    """The last segment that retention removed; 0 for none.

    Raises:
        CorruptState: If the note is none.
    """
    path = chain.path / _NAME
    try:
        return int(path.read_text())
    except FileNotFoundError:
        return 0
    except ValueError:
        raise CorruptState(f"{path}: expected the number of a segment; restore it from a copy") from None


def note_trimmed(chain: Chain, segment: int) -> None:
    """Write down, durably, that a segment is about to be removed; readers then do not take it for lost.

    Raises:
        OSError: If the disk is full or failing.
    """
    path = chain.path / _NAME
    fresh = path.with_name(f".{_NAME}.part")
    with open(fresh, "w") as file:
        file.write(f"{segment}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    sync_folder(chain.path)
