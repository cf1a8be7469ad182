"""A report in a few lines: what stands above the tables, and what `print` shows."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from simulator.report.colours import MARKS
from simulator.report.figures import lift, spread
from simulator.report.leaderboard import BASELINE, LeaderboardRow, Standing, leaderboard
from simulator.report.ranking import metric_named
from simulator.report.replay_report import LogSummary, ReplayReport

__all__ = ["VERDICT_STYLES", "answer", "facts", "summary_table", "summary_text"]

VERDICT_STYLES = {"trusted": "green", "weak": "yellow", "refused": "red"}


def facts(log: LogSummary) -> list[str]:
    """Say what was replayed."""
    modes = ", ".join(f"{count:,} {mode}" for mode, count in log.modes.items())
    parts = [f"{log.decisions:,} decisions ({modes})", f"{log.users:,} users", f"{log.arms:,} arms"]
    return [*parts, f"{log.single_arm:,} with a single arm"] if log.single_arm else parts


def answer(report: ReplayReport) -> str:
    """Say in one sentence what a reader came for: whether anything is better than what was logged."""
    rows = leaderboard(report)
    judged = [row for row in rows if row.standing is not Standing.UNJUDGED and row.lift is not None]
    label = metric_named(report.ranked_by).label
    if all(row.policy == BASELINE for row in rows):
        return "Nothing but the logged policy was replayed."
    if not judged:
        return "There is no verdict on any policy but the logged one: the log cannot tell."
    best = judged[0]
    if best.standing is not Standing.BETTER:
        return f"No policy is shown to be better than logged in {label}."
    also = sum(row.standing is Standing.BETTER for row in judged) - 1
    more = f"; {also} more {'is' if also == 1 else 'are'} better too" if also else ""
    hint = ", on weak evidence" if best.verdict == "weak" else ""
    return f"{best.policy} is better than logged{hint}: {_lift(best)} in {label}{more}."


def summary_text(report: ReplayReport) -> str:
    """Write a report as plain lines: what was replayed, the answer, the ranking."""
    share = metric_named(report.ranked_by).share
    lines = [" · ".join(facts(report.log)), answer(report)]
    for row in leaderboard(report):
        up = f"  {_lift(row)} on logged" if row.lift is not None and row.lift.value is not None else ""
        lines.append(f"{MARKS[row.verdict]} {row.verdict:8}{row.policy}  {spread(row.value, share)}{up}")
    return "\n".join(lines)


def summary_table(report: ReplayReport) -> Table:
    """Make the ranking as a table for a terminal."""
    shown = metric_named(report.ranked_by)
    rows = leaderboard(report)
    table = Table(title=Text(answer(report), style="bold"), title_justify="left", box=None, header_style="dim")
    for name in ("policy", "verdict", f"{shown.label} ({rows[0].estimator})", "lift on logged"):
        table.add_column(name, overflow="fold")
    for row in rows:
        verdict = Text(f"{MARKS[row.verdict]} {row.verdict}", style=VERDICT_STYLES[row.verdict])
        table.add_row(Text(row.policy), verdict, spread(row.value, shown.share), "" if row.lift is None else _lift(row))
    return table


def _lift(row: LeaderboardRow) -> str:
    return lift(row.lift, row.baseline, metric_named(row.metric).share)
