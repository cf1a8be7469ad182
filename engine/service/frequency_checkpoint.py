"""The tables of frequency caps as a file, so that a start need not read weeks of journal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

import numpy as np

from engine.core.errors import CorruptState, UnsupportedVersion
from engine.core.reading import plain
from engine.journal import Positions
from engine.service.frequencies import Frequencies
from engine.service.frequency_parts import COUNT, MAGIC, PART, SCHEMA, SCHEMA_1, SUM_BYTES, FrequencyParts, Part
from engine.store.replacement import Replacement


class FrequencyDraft(AbstractContextManager["FrequencyDraft"]):
    """A checkpoint in the making, which takes the memory of one part whatever the size of the tables.

    Until `finish` the last checkpoint stays, and leaving `with` before that drops the draft.
    """

    def __init__(self, path: Path, frequencies: Frequencies, positions: Positions) -> None:
        """Begin the file; copy nothing yet.

        Args:
            path: Where it will stand.
            frequencies: The tables.
            positions: Of the journal, from before this call: what lies behind them is counted in the tables. A send is
                counted before it is journalled, so `JournalReader.positions_before(now)` will do.

        Raises:
            OSError: If the file cannot be made.
        """
        self._tables = list(frequencies.tables())
        tables = [{"campaign": name, "caps": plain(table.windows.caps)} for name, table in self._tables]
        head = json.dumps({"schema": SCHEMA, "positions": positions.to_json(), "tables": tables}).encode()
        self._digest = hashlib.blake2b(digest_size=SUM_BYTES)
        self._file = Replacement(path)
        self._write(MAGIC + COUNT.pack(len(head)) + head)

    def parts(self) -> Iterator[Part]:
        """Copies of the tables, part by part, each taking about a millisecond; decisions may be made between two.

        For the process and thread that decide, as locks are of processes.
        """
        for i, (_, table) in enumerate(self._tables):
            for keys, items in table.copies():
                yield i, keys, items

    def append(self, part: Part) -> None:
        """Write a part; in any thread.

        Raises:
            OSError: If the disk is full or failing.
        """
        number, keys, items = part
        self._write(PART.pack(number, len(keys)))
        self._write(_bytes(keys, "<u8"))
        self._write(_bytes(items, "<i8"))

    def finish(self) -> None:
        """Put the checkpoint in place of the last one, in one step; in any thread.

        Raises:
            OSError: If the disk is full or failing, or a shopper was forgotten meanwhile; the last checkpoint stays, if
                there is one.
        """
        self._file.write(self._digest.digest())
        self._file.finish()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.__exit__(kind, error, trace)

    def _write(self, data: bytes | memoryview) -> None:
        self._digest.update(data)
        self._file.write(data)


def write_frequencies(path: Path, frequencies: Frequencies, positions: Positions) -> None:
    """Copy the tables and write them, in a process that decides nothing; see `FrequencyDraft`.

    Raises:
        OSError: If the disk is full or failing; the last checkpoint stays.
    """
    with FrequencyDraft(path, frequencies, positions) as draft:
        for part in draft.parts():
            draft.append(part)
        draft.finish()


def read_frequencies(path: Path, frequencies: Frequencies) -> Positions | None:
    """Fill empty tables from a checkpoint.

    Args:
        path: The file.
        frequencies: Open tables, empty.

    Returns:
        Where in the journal to go on; None where there is no checkpoint, or one of other caps: then nothing is filled,
        and the whole window is to be read.

    Raises:
        CorruptState: If the file is damaged, or has more shoppers than there is room for; remove it, and the journal is
            read instead.
        UnsupportedVersion: If a newer armsreach wrote it.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by the block below
    except FileNotFoundError:
        return None
    with file:
        read = FrequencyParts(file, path)
        if read.head["schema"] not in (SCHEMA_1, SCHEMA):
            raise UnsupportedVersion(
                f"{path}: expected {SCHEMA} or older, got {read.head['schema']}; upgrade, or remove it"
            )
        tables = list(frequencies.tables())
        kept = [(table["campaign"], table["caps"]) for table in read.head["tables"]]
        if kept != [(name, plain(table.windows.caps)) for name, table in tables]:
            return None
        for number, keys, items in read.parts([table.windows.width for _, table in tables]):
            table = tables[number][1]
            with table.lock:
                if table.restore(keys, items):
                    raise CorruptState(f"{path}: more shoppers than caps_table.users; raise it, or remove the file")
        return Positions.from_json(read.head["positions"])


def _bytes(array: np.ndarray, kind: str) -> bytes:
    return array.astype(kind, copy=False).tobytes()
