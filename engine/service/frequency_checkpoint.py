"""The tables of frequency caps as a file, so that a start need not read weeks of journal."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.core.errors import CorruptState, UnsupportedVersion
from engine.core.reading import plain
from engine.journal import Positions
from engine.service.frequencies import Frequencies
from engine.store.durable_files import replace_durably

SCHEMA = "armsreach.caps.v1"
_SUM_BYTES = 32


class FrequencyDraft:
    """A checkpoint in the making. Its steps belong to the process and thread that decide, as locks are of processes.

    Each step copies a part of a table, for about a millisecond; decisions may be made between two steps.
    """

    def __init__(self, frequencies: Frequencies, positions: Positions) -> None:
        """Copy nothing yet.

        Args:
            frequencies: The tables.
            positions: Of the journal, from before this call: what lies behind them is counted in the tables. A send is
                counted before it is journalled, so `JournalReader.positions_before(now)` will do.
        """
        self._tables = list(frequencies.tables())
        self._positions = positions
        self._parts: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in self._tables]

    def steps(self) -> Iterator[None]:
        """Copy the tables, part by part."""
        for parts, (_, table) in zip(self._parts, self._tables, strict=True):
            for part in table.copies():
                parts.append(part)
                yield

    def write(self, path: Path) -> None:
        """Put the checkpoint in place of the last one, in one step; in any thread.

        Raises:
            OSError: If the disk is full or failing; the last checkpoint stays.
        """
        arrays: dict[str, np.ndarray] = {}
        tables = []
        for i, (parts, (name, table)) in enumerate(zip(self._parts, self._tables, strict=True)):
            arrays[f"keys{i}"] = np.concatenate([keys for keys, _ in parts])
            arrays[f"items{i}"] = np.concatenate([items for _, items in parts])
            tables.append({"campaign": name, "caps": plain(table.windows.caps)})
        head = {"schema": SCHEMA, "positions": self._positions.to_json(), "tables": tables}
        arrays["head"] = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
        written = io.BytesIO()
        np.savez(written, **arrays)  # type: ignore[arg-type]
        content = written.getvalue()
        replace_durably(path, hashlib.blake2b(content, digest_size=_SUM_BYTES).digest() + content)


def write_frequencies(path: Path, frequencies: Frequencies, positions: Positions) -> None:
    """Copy the tables and write them, in a process that decides nothing; see `FrequencyDraft`.

    Raises:
        OSError: If the disk is full or failing; the last checkpoint stays.
    """
    draft = FrequencyDraft(frequencies, positions)
    for _ in draft.steps():
        pass
    draft.write(path)


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
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.blake2b(data[_SUM_BYTES:], digest_size=_SUM_BYTES).digest() != data[:_SUM_BYTES]:
        raise CorruptState(f"{path}: this checkpoint of frequency caps fails its checksum; remove it")
    with np.load(io.BytesIO(data[_SUM_BYTES:]), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    head = json.loads(arrays["head"].tobytes())
    if head["schema"] != SCHEMA:
        raise UnsupportedVersion(f"{path}: expected {SCHEMA}, got {head['schema']}; upgrade, or remove it")
    positions = Positions.from_json(head["positions"])
    kept = [(table["campaign"], table["caps"]) for table in head["tables"]]
    if kept != [(name, plain(table.windows.caps)) for name, table in frequencies.tables()]:
        return None
    for i, (_, table) in enumerate(frequencies.tables()):
        with table.lock:
            if table.restore(arrays[f"keys{i}"], arrays[f"items{i}"]):
                raise CorruptState(f"{path}: more shoppers than caps_table.users; raise it, or remove the file")
    return positions
