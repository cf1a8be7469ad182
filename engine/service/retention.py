"""How long the journal is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from engine.journal import Positions, begin_anew, remove_before

log = logging.getLogger(__name__)

Holders = Callable[[], Iterable[Positions]]
"""How far those have read who will read on after a restart; one that has read nothing yet gives empty positions."""


class Retention:
    """Removes segments that are older than the settings allow and that nobody needs any more."""

    def __init__(self, folder: Path, keep: timedelta | None, holders: Sequence[Holders]) -> None:
        """Remove nothing yet.

        Args:
            folder: The journal's.
            keep: How long a record stays at least; None for ever.
            holders: Who reads on: learners, and whatever is rebuilt from the journal.
        """
        self._folder = folder
        self._keep = keep
        self._holders = tuple(holders)

    def remove(self, now: datetime) -> int:
        """Remove what is due; how many segments there were.

        Raises:
            CorruptState: If the journal, or a holder's checkpoint, is damaged.
            Unavailable: If a holder cannot be asked; nothing is removed then.
            JournalFailed: If the disk is full or failing.
            OSError: If the folder cannot be changed.
        """
        if self._keep is None:
            return 0
        held = [positions for holder in self._holders for positions in holder()]
        begin_anew(self._folder, now - self._keep)
        removed = remove_before(self._folder, now - self._keep, held)
        if removed:
            log.info("%d journal segments older than %g days removed", len(removed), self._keep / timedelta(days=1))
        return len(removed)
