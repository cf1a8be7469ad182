"""The end of a batch in a journal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BatchEnd:
    """The records before this one, so many bytes of them, are the decisions of one batch.

    After a restart, a batch that is sent again is known by it.

    Attributes:
        id: What the batch is remembered under, 16 bytes.
        length: Bytes from the start of its first record to this one.
    """

    id: bytes
    length: int
