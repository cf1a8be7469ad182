"""The head of a batch in a journal."""

from __future__ import annotations

from dataclasses import dataclass

UNNAMED = bytes(16)


@dataclass(frozen=True, slots=True)
class BatchHead:
    """The bytes behind this record, so many of them, are the decisions of one batch.

    A batch is whole or not there: readers stop before one that is still being written, and recovery cuts one that a
    kill cut short, as nobody was told of it. After a restart, a batch that is sent again is known by its head.

    Attributes:
        id: What the batch is remembered under, 16 bytes; `UNNAMED` for one that will not be sent again.
        length: Bytes from behind this record to the end of the batch's last.
    """

    id: bytes
    length: int
