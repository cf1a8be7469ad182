"""Lines of a JSON Lines source, gzipped or not, with their numbers."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from gzip import BadGzipFile
from pathlib import Path
from typing import Any, NoReturn

import orjson

from simulator.log_reader import open_lines
from simulator.unusable_log import UnusableLog

__all__ = ["JsonLine", "json_lines"]


@dataclass(frozen=True, slots=True)
class JsonLine:
    """One line; its accessors refuse what is not as expected, naming file, line and field."""

    file: str
    line: int
    fields: Mapping[str, Any]

    def refuse(self, field: str, expected: str, got: object, remedy: str) -> NoReturn:
        """Raise the error for one field."""
        raise UnusableLog(expected, got, remedy, field=field, file=self.file, line=self.line)

    def number(self, field: str, value: object) -> float:
        """Check that a value is a finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
            self.refuse(field, "a finite number", value, "correct the line")
        return float(value)

    def objects(self, field: str, value: object) -> list[Mapping[str, Any]]:
        """Check that a value is a list of objects; absent is none."""
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.refuse(field, "a list of objects", value, "correct the line")
        return value

    def flag(self, field: str) -> bool:
        """Return a boolean field; absent is false."""
        value = self.fields.get(field)
        if value is not None and not isinstance(value, bool):
            self.refuse(field, "true or false", value, "correct the line")
        return bool(value)


def json_lines(path: str) -> Iterator[JsonLine]:
    """Read one JSON object a line.

    Blank lines, and lines in square brackets, which decision services write as markers of their own, are left out.

    Raises:
        UnusableLog: When the file cannot be read, or another line is no JSON object.
    """
    number = 0
    with open_lines(Path(path)) as lines:
        try:
            for number, text in enumerate(lines, start=1):
                if text.strip() and not text.startswith(b"["):
                    yield JsonLine(path, number, _decoded(text, path, number))
        except (EOFError, zlib.error, BadGzipFile) as error:
            raise UnusableLog(
                "a whole gzip file", str(error), "copy the file again", file=path, line=number + 1
            ) from error


def _decoded(text: bytes, path: str, line: int) -> Mapping[str, Any]:
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnusableLog(
            "one JSON object a line", f"malformed JSON ({error.msg})", "repair or remove the line", file=path, line=line
        ) from error
    if not isinstance(fields, dict):
        raise UnusableLog("one JSON object a line", fields, "repair or remove the line", file=path, line=line)
    return fields
