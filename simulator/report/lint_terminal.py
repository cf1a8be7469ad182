"""Prints what lint found so that it can be read in a terminal of 100 columns."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.lint.finding import Finding, Severity
from simulator.lint.lint_report import LintReport

__all__ = ["print_lint"]

_WIDTH = 100
_LINES = 3
_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}


def print_lint(report: LintReport, console: Console) -> None:
    """Print a line a finding, worst first, with its remedy below."""
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    size = f"{report.decisions:,} decisions in {report.rows:,} rows, {report.arms:,} arms"
    console.print(Text.assemble((report.source, "bold cyan"), f": {size}"))
    if report.rescored is not None:
        console.print(Text(f"{report.rescored:,} decisions scored again with the snapshots they name"))
    if not report.findings:
        console.print(Text("nothing odd found", style="green"))
        return
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, expand=True)
    table.add_column("severity")
    table.add_column("finding and remedy", ratio=1, overflow="fold")
    table.add_column("decisions", justify="right")
    table.add_column("lines", overflow="fold", max_width=16)
    for finding in report.findings:
        table.add_row(*_row(finding))
    console.print(table)
    counts = [f"{len(report.of(severity))} {severity.value}" for severity in Severity]
    console.print(Text(" · ".join(counts)))


def _row(finding: Finding) -> tuple[Text, Text, Text, Text]:
    text = Text.assemble(finding.text, ("\n" + finding.code + ": ", "dim"), (finding.remedy, "dim"))
    lines = ", ".join(str(line) for line in finding.lines[:_LINES]) + ("…" if len(finding.lines) > _LINES else "")
    return (
        Text(finding.severity.value, style=_STYLES[finding.severity]),
        text,
        Text(f"{finding.decisions:,}" if finding.decisions else ""),
        Text(lines),
    )
