"""Reads a file of lines in large blocks of whole ones."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from simulator.log_reader import open_lines
from simulator.unusable_log import UnusableLog

__all__ = ["LineBlock", "line_blocks"]

#: Bytes of a block, as read from the file.
_BLOCK = 16 << 20


@dataclass(frozen=True, slots=True, eq=False)
class LineBlock:
    """Whole lines.

    Attributes:
        content: The bytes; every line ends in a line feed.
        line: Number of the first line in the file, from 1.
        lines: How many there are.
    """

    content: bytes
    line: int
    lines: int


def line_blocks(path: Path) -> Iterator[LineBlock]:
    """Yield all lines of a file, through gzip when it begins like gzip.

    Raises:
        UnusableLog: When the file cannot be opened, or, after what could be read, when it is torn.
    """
    parts: list[bytes] = []
    held, line = 0, 1
    torn: Exception | None = None
    with open_lines(path) as file:
        while torn is None:
            try:
                read = file.read1(_BLOCK)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                torn, read = error, b""
            if not read:
                break
            held += len(read)
            end = read.rfind(b"\n") + 1 if held >= _BLOCK else 0
            if end:
                block = _whole([*parts, memoryview(read)[:end]], line)
                yield block
                line += block.lines
                parts, held = [read[end:]], len(read) - end
            else:
                parts.append(read)
    rest = b"".join(parts)
    # Of a torn file, the last line is not whole.
    end = rest.rfind(b"\n") + 1 if torn is not None else len(rest)
    block = _whole([rest[:end], b"" if torn is not None or rest.endswith(b"\n") else b"\n"], line)
    if block.lines:
        yield block
    if torn is not None:
        raise UnusableLog(
            "a whole gzip file",
            str(torn),
            "copy or export the file again",
            file=str(path),
            line=line + block.lines,
        ) from torn


def _whole(parts: Sequence[bytes | memoryview], line: int) -> LineBlock:
    content = b"".join(parts)
    return LineBlock(content, line, content.count(b"\n"))
