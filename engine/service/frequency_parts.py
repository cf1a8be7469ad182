"""The file format of a checkpoint of frequency caps, read in bounded memory.

::

    magic | length of the head, uint32 | head, JSON | parts | BLAKE2b of all that is before, 32 bytes
    a part: number of its table, number of its rows, uint32 each | keys, (rows, 2) uint64 | items, (rows, width) int64

All numbers are little-endian. Later versions keep magic, head and checksum where they are. Version 1 was the checksum
and a numpy archive behind it, which is read as a whole.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.core.errors import CorruptState

SCHEMA = "armsreach.caps.v2"
SCHEMA_1 = "armsreach.caps.v1"
MAGIC = b"armscaps"
COUNT = struct.Struct("<I")
PART = struct.Struct("<II")
SUM_BYTES = 32
_BLOCK = 1 << 20

Part = tuple[int, np.ndarray, np.ndarray]
"""Number of a table; keys, shape (n, 2), uint64; items, shape (n, width), int64."""


class FrequencyParts:
    """An open checkpoint whose checksum is right.

    Attributes:
        head: Its schema, the journal's positions, and the tables: campaign and caps of each.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        """Check the whole file, block by block, and read its head.

        Args:
            file: Open for reading; the caller closes it.
            path: For messages.

        Raises:
            CorruptState: If it is damaged.
        """
        self._file, self._path = file, path
        self._ends = os.fstat(file.fileno()).st_size - SUM_BYTES
        self._arrays: dict[str, np.ndarray] | None = None
        if file.read(len(MAGIC)) == MAGIC:
            self._check()
            file.seek(len(MAGIC))
            self.head: dict[str, Any] = json.loads(self._exactly(*COUNT.unpack(self._exactly(COUNT.size))))
        else:
            self._arrays = self._first_version()
            self.head = json.loads(self._arrays["head"].tobytes())

    def parts(self, widths: Sequence[int]) -> Iterator[Part]:
        """The tables' rows; call it once.

        Args:
            widths: Items in a row of each table.

        Raises:
            CorruptState: If they do not fit the tables.
        """
        if self._arrays is not None:
            for i in range(len(widths)):
                yield i, self._arrays[f"keys{i}"], self._arrays[f"items{i}"]
            return
        while self._file.tell() < self._ends:
            number, rows = PART.unpack(self._exactly(PART.size))
            if number >= len(widths):
                raise self._corrupt()
            keys = np.frombuffer(self._exactly(16 * rows), dtype="<u8").reshape(rows, 2)
            items = np.frombuffer(self._exactly(8 * rows * widths[number]), dtype="<i8").reshape(rows, widths[number])
            yield number, keys, items

    def _check(self) -> None:
        digest, left = hashlib.blake2b(MAGIC, digest_size=SUM_BYTES), self._ends - len(MAGIC)
        while left > 0:
            block = self._file.read(min(_BLOCK, left))
            if not block:
                break
            digest.update(block)
            left -= len(block)
        if left or digest.digest() != self._file.read(SUM_BYTES):
            raise self._corrupt()

    def _first_version(self) -> dict[str, np.ndarray]:
        self._file.seek(0)
        expected, content = self._file.read(SUM_BYTES), self._file.read()
        if hashlib.blake2b(content, digest_size=SUM_BYTES).digest() != expected:
            raise self._corrupt()
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size) if self._file.tell() + size <= self._ends else b""
        if len(data) != size:
            raise self._corrupt()
        return data

    def _corrupt(self) -> CorruptState:
        return CorruptState(f"{self._path}: this checkpoint of frequency caps fails its checksum; remove it")
