"""A sweep in a few lines: what stands above the tables, and what `print` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.report.colours import MARKS
from simulator.report.figures import lift, spread
from simulator.report.leaderboard import BASELINE, LeaderboardRow, Standing
from simulator.report.ranking import metric_named

if TYPE_CHECKING:
    from simulator.sweep.sweep_report import SweepReport

__all__ = ["periods_text", "rounds_text", "sweep_answer", "sweep_text"]

_SHOWN = 15


def sweep_answer(report: SweepReport) -> str:
    """Say in one sentence whether anything is better than today's policy."""
    label, winner = metric_named(report.metric).label, report.winner
    tried = f"{report.candidates} candidate{'s' if report.candidates != 1 else ''}"
    if winner is not None and winner.better:
        hint = ", on weak evidence" if winner.row.verdict == "weak" else ""
        return f"Of {tried}, {winner.row.policy} is better than today's policy{hint}: {_lift(winner.row)} in {label}."
    if winner is not None and winner.row.verdict == "refused":
        return f"Of {tried}, none is shown to be better than today's: there is no verdict on {winner.row.policy}."
    if winner is not None:
        found = f"the best, {winner.row.policy}, comes to {_lift(winner.row)} in {label} on the confirm period"
        return f"Of {tried}, none is better than today's: {found}."
    judged = [row for row in report.rows if row.policy != BASELINE and row.standing is not Standing.UNJUDGED]
    if not judged:
        return f"There is no verdict on any of {tried}: the log cannot tell."
    return f"Of {tried}, none is better than today's; the confirm period was left untouched."


def periods_text(report: SweepReport) -> str:
    """Say how the log was parted."""
    told, counts = report.periods, report.periods["decisions"]
    parts = " · ".join(f"{name} {counts[name]:,}" for name in ("train", "select", "confirm"))
    if told["by"] == "users":
        return f"{parts}, by users"
    if told["by"] == "order":
        return f"{parts}, in the order of the file"
    return f"{parts}; {counts['left_out']:,} within {_duration(told['embargo_s'])} of what follows, left out"


def rounds_text(report: SweepReport) -> str:
    """Say how many candidates took part in each round."""
    rounds = " → ".join(f"{rung.candidates} on {rung.decisions:,}" for rung in report.rungs)
    rounds += f" → 1 on {report.winner.decisions:,} to confirm" if report.winner is not None else ""
    return f"candidates on decisions: {rounds}"


def sweep_text(report: SweepReport) -> str:
    """Write a sweep as plain lines: what was swept, the answer, the best candidates."""
    share = metric_named(report.metric).share
    lines = [periods_text(report), sweep_answer(report)]
    for row in report.rows[:_SHOWN]:
        up = f"  {_lift(row)} on logged" if row.lift is not None and row.lift.value is not None else ""
        lines.append(f"{MARKS[row.verdict]} {row.verdict:8}{row.policy}  {spread(row.value, share)}{up}")
    if len(report.rows) > _SHOWN:
        lines.append(f"and {len(report.rows) - _SHOWN} more")
    return "\n".join(lines)


def _lift(row: LeaderboardRow) -> str:
    return lift(row.lift, row.baseline, metric_named(row.metric).share)


def _duration(seconds: float) -> str:
    """Write a duration, short.

    >>> _duration(90.0), _duration(64_800.0), _duration(604_800.0)
    ('90 s', '18 h', '7 d')
    """
    for unit, size in (("d", 86_400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"
