"""The files of one chain: `FOLDER/CHAIN/00000001.segment` and on."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import CorruptState, InvalidInput

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}\Z")
_SEGMENT = re.compile(r"(\d{8})\.segment\Z")


@dataclass(frozen=True, slots=True)
class Chain:
    """One writer's segments, in their own folder.

    Attributes:
        folder: The journal's folder.
        name: Letters, digits, '_', '-' and '.', as it becomes a folder's name.
    """

    folder: Path
    name: str

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise InvalidInput(
                f"expected up to 100 letters, digits, '_', '-' or '.', got {self.name[:64]!r}", field="chain"
            )

    @property
    def path(self) -> Path:
        """The chain's folder."""
        return self.folder / self.name

    def segment_path(self, segment: int) -> Path:
        """The file of segment `segment`."""
        return self.path / f"{segment:08d}.segment"

    def torn_path(self, segment: int) -> Path:
        """Where recovery keeps what it cut from segment `segment`."""
        return self.path / f"{segment:08d}.torn"

    def segments(self) -> list[int]:
        """Numbers of the segments there are, in order.

        Raises:
            CorruptState: If one is missing between two others.
        """
        if not self.path.is_dir():
            return []
        matches = (_SEGMENT.match(name) for name in os.listdir(self.path))
        numbers = sorted(int(match.group(1)) for match in matches if match)
        if numbers and numbers[-1] - numbers[0] + 1 != len(numbers):
            gap = next(n for n in range(numbers[0], numbers[-1]) if n not in numbers)
            raise CorruptState(f"{self.segment_path(gap)}: expected this segment, found none; restore it from a copy")
        return numbers


def chains(folder: Path) -> list[Chain]:
    """All chains of a journal, in order of their names; none if the folder does not exist."""
    if not folder.is_dir():
        return []
    return [
        Chain(folder, entry.name)
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if entry.is_dir() and _NAME.match(entry.name)
    ]


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
