"""Show variants in the terminal as a shopper would see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from generators.sms import SmsSize
from generators.studio_report import StudioReport
from generators.written import Written


class Preview:
    """Prints previews and the figures of a run."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def variants(self, written: Sequence[Written]) -> None:
        """Print one panel a variant."""
        for item in written:
            brief, draft = item.request.brief, item.draft
            title = f"{brief.id} · {brief.language} · {draft.tone} · {draft.lead} first · hook by {item.hook_source}"
            lines = [self._channel(channel, fields) for channel, fields in draft.channels.items()]
            self._console.print(Panel(Group(*lines), title=Text(title), title_align="left", width=100))

    def report(self, report: StudioReport, seconds: float) -> None:
        """Print what was written, what fell back and why."""
        table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
        table.add_row("variants", f"{report.shown} of {report.asked} asked for, every one verified")
        table.add_row("hooks by the backend", str(report.from_model))
        for reason, number in report.fallbacks.most_common():
            table.add_row("template instead", f"{number} ({reason})")
        for reason, number in report.rejected.most_common(5):
            table.add_row("hooks screened out", f"{number} ({reason})")
        if report.findings:
            table.add_row("stopped by checks", f"{len(report.findings)} findings, none shown")
        if report.dropped:
            table.add_row("dropped", Text(", ".join(report.dropped[:8])))
        table.add_row("time", f"{seconds:.1f} s, {seconds / max(report.shown, 1):.2f} s a variant")
        self._console.print(table)

    @staticmethod
    def _channel(channel: str, fields: Mapping[str, str]) -> Text:
        text = Text()
        for number, (name, value) in enumerate(fields.items()):
            note = f" ({SmsSize.of(value).segments} part)" if channel == "sms" else ""
            text.append(f"{channel if not number else '':<7}{name + note:<18}", style="dim")
            text.append(value + ("\n" if number < len(fields) - 1 else ""), style="bold" if not number else "")
        return text
