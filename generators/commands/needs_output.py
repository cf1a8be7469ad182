"""What `python -m generators needs` prints and writes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from generators.brief_plain import brief_plain
from generators.whole_file import write_whole

if TYPE_CHECKING:
    from generators.needs import BriefFromNeeds, Needs, Segment

_SHOWN = 5


class NeedsOutput:
    """Takes needs as they come; what is not shown is written at once, and not kept."""

    def __init__(self, output: Path | None) -> None:
        """Write to a file, or to none."""
        self._output = output
        self._shown: list[Needs] = []
        self._segments: list[Needs] = []
        self._count = 0

    def take(self, found: Iterable[Needs]) -> None:
        """Go through all needs; the file appears once it is whole.

        Raises:
            InvalidInput: If it cannot be written.
        """
        if self._output:
            write_whole(self._output, _lines(one.to_json() for one in self._kept(found)))
            return
        for _ in self._kept(found):
            pass

    def print(self, language: str) -> None:
        """Show the first few, and segments beside each other."""
        from generators.needs import needs_report, segment_table

        out = Console()
        for one in self._shown:
            out.print(needs_report(one, language, out.width))
        if self._count > len(self._shown):
            rest = f"… and {self._count - len(self._shown):,} more; -o writes all of them"
            out.print(rest, style="dim", highlight=False)
        if len(self._segments) > 1:
            out.print(segment_table(self._segments, language))
        if self._output:
            _said(f"wrote needs of {self._count:,} to {self._output}")

    def _kept(self, found: Iterable[Needs]) -> Iterator[Needs]:
        for one in found:
            self._count += 1
            if len(self._shown) < _SHOWN:
                self._shown.append(one)
            if one.kind == "segment":
                self._segments.append(one)
            yield one


def write_members(groups: list[Segment], path: Path) -> None:
    """Who is in which segment, as CSV.

    Raises:
        InvalidInput: If it cannot be written.
    """
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("user", "segment"))
    rows.writerows((user, group.name) for group in groups for user in group.users)
    write_whole(path, [text.getvalue()])
    _said(f"wrote {sum(len(group.users) for group in groups):,} members to {path}")


def write_briefs(written: list[BriefFromNeeds], path: Path) -> None:
    """Briefs, each once, and beside them the evidence of every need that asks for one.

    Raises:
        InvalidInput: If they cannot be written.
    """
    distinct = {item.brief.id: brief_plain(item.brief) for item in written}
    if not distinct:
        _said("no brief: no sure interest has a product in the feed", style="yellow")
        return
    beside = path.with_name(f"{path.stem}.evidence.jsonl")
    write_whole(path, _lines(distinct.values()))
    write_whole(beside, _lines(dict(item.evidence) for item in written))
    _said(f"wrote {len(distinct):,} briefs to {path}, their evidence to {beside}")
    _said(f"next: python -m generators copy --brief {path} -o variants.jsonl", style="dim")


def _lines(rows: Iterable[Any]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _said(text: str, style: str = "") -> None:
    Console(stderr=True, soft_wrap=True).print(text, style=style, highlight=False, markup=False)
