"""Show variants in the terminal as a shopper's phone would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.align import Align
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from generators.sms import SmsSize
from generators.studio_report import StudioReport
from generators.verification import Finding

# About what a phone shows in one line at its usual type size.
_SCREEN = 40


class PhonePreview:
    """One variant: a small screen for each of its channels, side by side where the terminal has room.

    Args:
        record: A line of a variants file.
    """

    def __init__(self, record: Mapping[str, Any]) -> None:
        self._record = record

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        made, features = self._record["provenance"], self._record["features"]
        yield Text.assemble(
            (str(made["brief"]), "bold"),
            (f"  {features.get('tone', '')}, {features.get('lead', '')} first, hook by {made['model']}", "dim"),
            (f"  {self._record['state']}", "green" if self._record["state"] == "approved" else "yellow"),
        )
        yield Columns(list(self._screens()), padding=(0, 1))

    def _screens(self) -> Iterator[Panel]:
        screens: dict[str, Callable[[Mapping[str, str]], tuple[RenderableType, str]]] = {
            "push": _push,
            "sms": _sms,
            "email": _email,
            "banner": _banner,
        }
        for channel, fields in self._record["channels"].items():
            inside, note = screens.get(channel, _plain)(fields)
            yield Panel(
                inside,
                title=f"[dim]{channel}",
                subtitle=f"[dim]{note}" if note else None,
                width=_SCREEN + 4,
                box=box.ROUNDED,
                border_style="dim",
                title_align="left",
                subtitle_align="right",
            )


def print_report(console: Console, report: StudioReport, seconds: float) -> None:
    """Print what was written, what fell back and why."""
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    verified = ", every one verified" if report.shown else ""
    table.add_row("variants", f"{report.shown} of {report.asked} asked for{verified}")
    table.add_row("hooks by the backend", f"{report.from_model}, picked from {report.candidates} verified candidates")
    for reason, number in report.fallbacks.most_common():
        table.add_row("template instead", f"{number} ({reason})")
    for reason, number in report.rejected.most_common(5):
        table.add_row("hooks screened out", f"{number} ({reason})")
    if report.alike:
        table.add_row("left out", f"{report.alike} that say nearly the same as another variant")
    if report.findings:
        table.add_row("stopped by checks", f"{len(report.findings)} findings; no such copy is in the file")
        for finding, number in Counter(_held(one) for one in report.findings).most_common(3):
            table.add_row("", Text(f"{number} × {finding}"))
    if report.dropped:
        more = f" and {len(report.dropped) - 8} more" if len(report.dropped) > 8 else ""
        named = f"{', '.join(report.dropped[:8])}{more}"
        table.add_row("dropped", Text(f"{len(report.dropped)}, no draft passed or nothing new to say: {named}"))
    table.add_row("time", f"{seconds:.1f} s, {seconds / max(report.shown, 1):.2f} s a variant")
    console.print(table)


def _held(finding: Finding) -> str:
    return f"{finding.channel}.{finding.field}: {finding.reason}"


def _push(fields: Mapping[str, str]) -> tuple[RenderableType, str]:
    head = Table.grid(expand=True)
    head.add_column()
    head.add_column(justify="right")
    head.add_row(Text("▢ Shop", style="dim"), Text("now", style="dim"))
    return Group(head, _words(fields["title"], "bold"), _words(fields["body"])), ""


def _sms(fields: Mapping[str, str]) -> tuple[RenderableType, str]:
    size = SmsSize.of(fields["text"])
    bubble = Panel(_words(fields["text"]), box=box.ROUNDED, border_style="green", width=_SCREEN - 2)
    return bubble, f"{size.segments} part{'s' if size.segments != 1 else ''}, {size.encoding}"


def _email(fields: Mapping[str, str]) -> tuple[RenderableType, str]:
    parts = [
        _words(fields["subject"], "bold"),
        _words(fields["preheader"], "dim"),
        Text(""),
        _words(fields["body"]),
    ]
    return Group(*parts), ""


def _banner(fields: Mapping[str, str]) -> tuple[RenderableType, str]:
    return Group(_words(fields["headline"], "bold"), Align.right(Text(f" {fields['cta']} ", style="reverse"))), ""


def _plain(fields: Mapping[str, str]) -> tuple[RenderableType, str]:
    lines = (Text.assemble((f"{name} ", "dim"), text, overflow="fold") for name, text in fields.items())
    return Group(*lines), ""


def _words(text: str, style: str = "") -> Text:
    """Copy to be read to its end: Chinese has no spaces to break lines at, and would be cut off."""
    return Text(text, style=style, overflow="fold")


def preview(console: Console, records: Sequence[Mapping[str, Any]]) -> None:
    """Print variants, one under the other."""
    for record in records:
        console.print(PhonePreview(record))
