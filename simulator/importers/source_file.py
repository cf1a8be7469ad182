"""A source given as a folder stands for the one data file in it."""

from __future__ import annotations

from pathlib import Path

from simulator.unusable_log import UnusableLog

__all__ = ["source_file"]

_SUFFIXES = (".csv", ".csv.gz", ".parquet")
_SIDE_FILES = ("item_context.csv",)


def source_file(path: str) -> str:
    """Find the data file of a source; public archives unpack to a folder with the file and notes beside it.

    Raises:
        UnusableLog: When a folder holds no data file, or several.
    """
    folder = Path(path)
    if not folder.is_dir():
        return path
    found = [
        item for item in sorted(folder.iterdir()) if item.name.endswith(_SUFFIXES) and item.name not in _SIDE_FILES
    ]
    if len(found) != 1:
        names = ", ".join(item.name for item in found) or "none"
        raise UnusableLog("a file, or a folder with one CSV or Parquet file", names, "name the file", file=path)
    return str(found[0])
