"""Variants as a table: a line each, in the terminal and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from generators.whole_file import write_whole

# A spreadsheet runs what begins so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def results_table(records: Sequence[Mapping[str, Any]], most: int = 20) -> Table:
    """Return a table of the first variants: rank, brief, tone, writer, score, hook."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name, justify in (("brief", "left"), ("rank", "right"), ("tone", "left"), ("by", "left"), ("score", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("hook", overflow="fold")
    for record in records[:most]:
        made = record["provenance"]
        total = made.get("scores", {}).get("total")
        table.add_row(
            Text(str(made["brief"])),
            str(made.get("rank", "")),
            str(record["features"].get("tone", "")),
            Text(str(made["model"])),
            "" if total is None else f"{round(total, 2) + 0.0:+.2f}",
            Text(str(made["hook"])),
        )
    if len(records) > most:
        table.caption = f"{len(records) - most} more in the file"
    return table


def write_table(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write every variant and every string of it as CSV with a byte order mark, as spreadsheets like it.

    Raises:
        InvalidInput: The folder cannot be written.
    """
    fields = sorted(
        {
            (channel, name)
            for record in records
            for channel in record["channels"]
            for name in record["channels"][channel]
        }
    )
    scores = sorted({name for record in records for name in record["provenance"].get("scores", {})})
    head = ["id", "state", "language", "brief", "rank", "tone", "lead", "model", *scores]
    rows = ([*_row(record, scores), *_strings(record, fields)] for record in records)
    write_whole(path, _lines([*head, *(f"{c}.{n}" for c, n in fields)], rows), encoding="utf-8-sig")


def _row(record: Mapping[str, Any], scores: Sequence[str]) -> list[Any]:
    made, features = record["provenance"], record["features"]
    found = made.get("scores", {})
    return [
        record["id"],
        record["state"],
        record["language"],
        made["brief"],
        made.get("rank", ""),
        features.get("tone", ""),
        features.get("lead", ""),
        made["model"],
        *(found.get(name, "") for name in scores),
    ]


def _strings(record: Mapping[str, Any], fields: Sequence[tuple[str, str]]) -> Iterator[str]:
    for channel, name in fields:
        text = str(record["channels"].get(channel, {}).get(name, ""))
        yield f"'{text}" if text.startswith(_FORMULA) else text


def _lines(head: Sequence[str], rows: Iterator[list[Any]]) -> Iterator[str]:
    for row in (head, *rows):
        buffer = io.StringIO()
        csv.writer(buffer).writerow(row)
        yield buffer.getvalue()
