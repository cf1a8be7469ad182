"""Read comments from CSV or JSON Lines, whatever its columns are called."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from engine.core.errors import InvalidInput
from generators.feedback.comment import Comment
from generators.feedback.comment_language import LANGUAGES, comment_language

_LONGEST = 10_000


@dataclass(frozen=True, slots=True)
class CommentColumns:
    """Names of the columns; a column that the file lacks counts as empty, but for `text`.

    Attributes:
        text: What was said.
        variant: The copy it is about.
        decision_id: The decision it follows.
        user: Who said it.
        at: When, RFC 3339; a time without a zone is taken as UTC.
        language: `en` or `zh`; told from the text where empty.
        id: The comment's own id.
    """

    text: str = "text"
    variant: str = "variant"
    decision_id: str = "decision_id"
    user: str = "user"
    at: str = "at"
    language: str = "language"
    id: str = "id"

    @classmethod
    def mapped(cls, pairs: list[str]) -> CommentColumns:
        """Read `FIELD=NAME` flags.

        Raises:
            InvalidInput: One names no field.
        """
        known = [item.name for item in fields(cls)]
        names: dict[str, str] = {}
        for pair in pairs:
            field, sign, name = pair.partition("=")
            if not sign or not name or field not in known:
                raise InvalidInput(
                    f"expected FIELD=NAME with one of {', '.join(known)}, got {pair!r}", field="--column"
                )
            names[field] = name
        return cls(**names)


def read_comments(path: Path, columns: CommentColumns | None = None, encoding: str = "utf-8-sig") -> list[Comment]:
    """Read all comments with any text; empty ones are left out.

    Args:
        path: .csv or .jsonl, either also .gz.
        columns: What the columns are called.
        encoding: Of a CSV file; gb18030 for Chinese GBK.

    Raises:
        InvalidInput: There is none; or naming file, line and column, never what stands there.
    """
    columns = columns or CommentColumns()
    rows = _json_rows(path) if ".jsonl" in path.suffixes or ".json" in path.suffixes else _csv_rows(path, encoding)
    comments: list[Comment] = []
    for line, row in rows:
        if columns.text not in row:
            message = (
                f"expected a column {columns.text!r}, got {', '.join(sorted(row))}; name it with --column text=NAME"
            )
            raise InvalidInput(message, field=f"{path.name}:{line}")
        comment = _comment(row, line, columns, path)
        if comment is not None:
            comments.append(comment)
    if not comments:
        raise InvalidInput("expected at least one comment, got none", field=path.name)
    return comments


def _comment(row: Mapping[str, Any], line: int, columns: CommentColumns, path: Path) -> Comment | None:
    text = _text(row, columns.text, path, line).strip()
    if not text:
        return None
    if len(text) > _LONGEST:
        raise InvalidInput(
            f"expected at most {_LONGEST} characters, got {len(text)}", field=f"{path.name}:{line}: text"
        )
    names = ("variant", "decision_id", "user", "id")
    values = {name: _text(row, getattr(columns, name), path, line).strip() for name in names}
    language = _text(row, columns.language, path, line).strip().lower()[:2] or comment_language(text)
    if language not in LANGUAGES:
        field = f"{path.name}:{line}: {columns.language}"
        raise InvalidInput(f"expected one of {', '.join(LANGUAGES)} or nothing", field=field)
    at = _moment(_text(row, columns.at, path, line).strip(), f"{path.name}:{line}: {columns.at}")
    return Comment(text, line, at=at, language=language, **values)


def _text(row: Mapping[str, Any], column: str, path: Path, line: int) -> str:
    value = row.get(column)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput(f"expected a text, got {type(value).__name__}", field=f"{path.name}:{line}: {column}")
    return str(value)


def _moment(text: str, field: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("expected a time such as 2026-03-01T18:30:00Z", field=field) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _json_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(_bytes(path).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"expected a JSON object a line: {error.msg}", field=f"{path.name}:{number}") from None
        if not isinstance(row, dict):
            raise InvalidInput(f"expected a JSON object, got {type(row).__name__}", field=f"{path.name}:{number}")
        yield number, row


def _csv_rows(path: Path, encoding: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        text = _bytes(path).decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        reason = error.reason if isinstance(error, UnicodeDecodeError) else "no such encoding"
        message = f"expected text in {encoding}: {reason}; name another with --encoding, such as gb18030"
        raise InvalidInput(message, field=path.name) from None
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise InvalidInput(f"expected CSV: {error}", field=f"{path.name}:{reader.line_num}") from None


def _bytes(path: Path) -> bytes:
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it breaks off, or is no gzip file"
        raise InvalidInput(f"expected a file that can be read, got: {reason}", field=str(path)) from None
