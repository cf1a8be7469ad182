"""Prints a sweep so that it can be read in a terminal of 100 columns."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.report.colours import MARKS
from simulator.report.figures import lift, spread
from simulator.report.leaderboard import BASELINE, LeaderboardRow
from simulator.report.ranking import metric_named
from simulator.report.replay_report import CAVEAT
from simulator.report.summary import VERDICT_STYLES, facts
from simulator.report.sweep_summary import periods_text, rounds_text, sweep_answer

if TYPE_CHECKING:
    from simulator.sweep.sweep_report import SweepReport

__all__ = ["print_sweep", "sweep_table"]

_WIDTH = 100
_SHOWN = 20


def print_sweep(report: SweepReport, title: str, console: Console) -> None:
    """Print the whole sweep: what was swept, the answer, the leaderboard, what to type next."""
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    console.print()
    console.print(Text.assemble(("Sweep of ", "bold"), (title, "bold cyan")))
    console.print(Text(" · ".join(facts(report.log))))
    console.print(Text(periods_text(report), style="dim"))
    console.print(Text(rounds_text(report), style="dim"))
    console.print()
    console.print(sweep_table(report))
    console.print()
    winner = report.winner
    if winner is not None:
        if winner.reasons:
            told = f"{winner.row.verdict} {winner.row.policy}: {'; '.join(winner.reasons)}"
            console.print(Padding(Text(told, style=VERDICT_STYLES[winner.row.verdict]), (0, 0, 0, 1)))
        for note in winner.row.notes:
            console.print(Padding(Text(f"· confirmed: {note}"), (0, 0, 0, 1)))
    refused = next((row for row in report.rows if row.verdict == "refused" and row.notes), None)
    if refused is not None and (winner is None or refused is not winner.row):
        told = f"no verdict on {refused.policy}: {refused.notes[-1]}"
        console.print(Padding(Text(told, style="dim"), (0, 0, 0, 1)))
    for note in (*report.notes, f"joint intervals of all candidates at {report.level:.0%}", CAVEAT):
        console.print(Padding(Text(f"· {note}", style="dim"), (0, 0, 0, 1)))
    _print_next(report, console)


def sweep_table(report: SweepReport) -> Table:
    """Make the leaderboard as a table, with a line above each standing."""
    shown = metric_named(report.metric)
    table = Table(
        title=Text(sweep_answer(report), style="bold"), title_justify="left", box=None, header_style="dim", width=_WIDTH
    )
    table.add_column("candidate", overflow="fold", width=32)
    table.add_column("verdict", no_wrap=True, width=9)
    table.add_column(f"{shown.label} ({report.estimator})", overflow="fold", width=22)
    table.add_column("lift on logged", overflow="fold")
    for standing, rows in groupby(report.rows[:_SHOWN], lambda row: row.standing):
        table.add_row(Text(f"── {standing.value}", style="dim"), "", "", "")
        for row in rows:
            table.add_row(*_cells(row, winner=report.winner is not None and row is report.winner.row))
    if len(report.rows) > _SHOWN:
        table.add_row(Text(f"and {len(report.rows) - _SHOWN} more", style="dim"), "", "", "")
    return table


def _cells(row: LeaderboardRow, *, winner: bool) -> tuple[Text, Text, Text, Text]:
    share, style = metric_named(row.metric).share, "dim" if row.verdict == "refused" else ""
    name = Text(row.policy, style=style or ("bold" if winner else ""))
    if winner:
        name.append("  confirmed", style="cyan")
    up = "" if row.policy == BASELINE else lift(row.lift, row.baseline, share)
    verdict = Text(f"{MARKS[row.verdict]} {row.verdict}", style=VERDICT_STYLES[row.verdict])
    return name, verdict, Text(spread(row.value, share), style=style), Text(up, style=style)


def _print_next(report: SweepReport, console: Console) -> None:
    winner = report.winner
    if winner is None or not winner.better:
        return
    if not report.folder:
        console.print(Text("next: sweep again with --out FOLDER, which keeps the winner's snapshot"))
        return
    if winner.snapshot:
        console.print(Text(f"snapshot: {report.folder}/{winner.snapshot}"), soft_wrap=True)
    for number, command in enumerate(report.commands):
        console.print(Text(f"{'next:' if not number else '     '} {command}"), soft_wrap=True)
