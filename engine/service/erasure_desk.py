"""A serving process's part in forgetting shoppers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from engine.core.errors import CorruptState
from engine.service.erasable import Erasable
from engine.service.erasure_request import ErasureRequest, request_stamp


class ErasureDesk:
    """Looks for requests of `python -m engine forget`.

    The process drops what it holds in memory, then closes its segment with a mark at the beginning of the next: all
    that it ever wrote about the shoppers now lies in segments that are done with, where the command erases it.
    """

    def __init__(
        self,
        folder: Path,
        chain: str,
        erasables: Sequence[Erasable],
        begin_segment: Callable[[], None],
        mark: Callable[[], Awaitable[None]],
    ) -> None:
        """Look at nothing yet.

        Args:
            folder: `erasing` in the data folder.
            chain: The one that this process writes.
            erasables: What it holds of shoppers; cheap, as requests wait for it.
            begin_segment: `SegmentWriter.begin_segment`.
            mark: Writes a heartbeat durably.
        """
        self._folder = folder
        self._chain = chain
        self._erasables = tuple(erasables)
        self._begin_segment = begin_segment
        self._mark = mark
        self._seen: tuple[int, int] | None = None

    async def look(self) -> bool:
        """Carry out a new request; whether there was one.

        Raises:
            JournalFailed: If the journal cannot be written; the next look tries again.
            CorruptState: If the request cannot be read.
        """
        stamp = request_stamp(self._folder)
        if stamp is None or stamp == self._seen:
            return False
        try:
            request = ErasureRequest.load(self._folder)
        except CorruptState:
            self._seen = stamp  # said once, not at every look
            raise
        if request is not None and not request.is_done(self._folder, self._chain):
            for erasable in self._erasables:
                erasable.erase(request.users.keys())
            self._begin_segment()
            await self._mark()
            request.note_done(self._folder, self._chain)
        self._seen = stamp
        return True
