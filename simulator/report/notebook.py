"""Compact HTML for notebooks: styled in place, since a notebook keeps no style sheets, on white in any theme."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from simulator.report.axis import Axis
from simulator.report.colours import GRID, INK, LINE, MARKS, PAPER, SOFT, VERDICTS
from simulator.report.figures import lift, spread
from simulator.report.forest import forest_axis, forest_row
from simulator.report.leaderboard import BASELINE, LeaderboardRow, leaderboard
from simulator.report.markup import breakable
from simulator.report.ranking import metric_named
from simulator.report.replay_report import CAVEAT, ReplayReport
from simulator.report.summary import answer, facts
from simulator.timestamps import rfc3339

if TYPE_CHECKING:
    from simulator.log_source import LogSource

__all__ = ["leaderboard_card", "log_card", "log_text", "report_card"]

_BOX = f"background:{PAPER};color:{INK};padding:.6rem .8rem;font:14px/1.45 system-ui,sans-serif;max-width:60rem"
_CELL = "text-align:left;padding:.3rem .8rem .3rem 0;vertical-align:middle;background:none"
_HEAD = f"{_CELL};color:{SOFT};font-weight:400;font-size:12px"
_WIDTHS = ("28%", "11%", "20%", "24%", "17%")
_MOST_ROWS = 30


def report_card(report: ReplayReport) -> str:
    """Show a report: the answer, what was replayed, the ranking with verdicts, values and lifts."""
    return (
        f'<div style="{_BOX}"><div style="font-weight:600;font-size:16px">{breakable(answer(report))}</div>'
        f'<div style="color:{SOFT}">{escape(" · ".join(facts(report.log)))}</div>'
        f'{_table(leaderboard(report))}<div style="color:{SOFT};font-size:12px">{escape(CAVEAT)}</div></div>'
    )


def leaderboard_card(rows: Sequence[LeaderboardRow]) -> str:
    """Show a ranking, such as that of a sweep; `rows`, at least one, in the order of `in_order`."""
    return f'<div style="{_BOX}">{_table(rows)}</div>'


def log_text(log: LogSource) -> str:
    """Say in one line what a log holds."""
    return f"<{type(log).__name__} {log.source}: {' · '.join(value for _, value in _of_log(log))}>"


def log_card(log: LogSource) -> str:
    """Show what a log holds: decisions, users, arms, modes, outcomes, span."""
    rows = "".join(
        f'<tr style="background:none"><th style="{_HEAD}">{name}</th><td style="{_CELL}">{escape(value)}</td></tr>'
        for name, value in _of_log(log)
    )
    notes = "".join(f'<div style="color:{SOFT};font-size:12px">· {escape(warning)}</div>' for warning in log.warnings)
    return (
        f'<div style="{_BOX}"><div style="font-weight:600;font-size:16px">{breakable(log.source)}</div>'
        f'<table style="border-collapse:collapse">{rows}</table>{notes}</div>'
    )


def _of_log(log: LogSource) -> list[tuple[str, str]]:
    from simulator.clusters import Membership
    from simulator.log import MODES, NO_TIME

    counts, happened, eligible = np.zeros(len(MODES)), Counter[str](), np.zeros(len(log.arms), dtype=bool)
    rows, users, times = 0, np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64)
    for chunk in log.chunks():
        rows += chunk.rows
        counts += np.bincount(chunk.mode, weights=chunk.count, minlength=len(MODES))
        eligible[chunk.eligible] = True
        outcomes = chunk.outcomes
        times_of = np.bincount(outcomes.kind, weights=chunk.count[outcomes.row], minlength=len(outcomes.kinds))
        happened.update({kind: int(count) for kind, count in zip(outcomes.kinds, times_of, strict=True)})
        members = Membership.of(chunk)
        users = np.union1d(users, members.label[members.known])
        timed = chunk.decided_at[chunk.decided_at != NO_TIME]
        times = np.array([*times, timed.min(), timed.max()]) if timed.size else times
    modes = ", ".join(f"{count:,.0f} {mode}" for mode, count in zip(MODES, counts, strict=True) if count)
    decisions = int(counts.sum())
    return [
        ("decisions", f"{decisions:,} decisions{'' if rows == decisions else f' in {rows:,} rows'}"),
        ("users", f"{users.size:,} users"),
        ("arms", f"{int(eligible.sum()):,} arms"),
        ("modes", modes or "none"),
        ("outcomes", ", ".join(f"{count:,} {kind}" for kind, count in happened.items()) or "no outcomes"),
        ("span", f"{rfc3339(int(times.min()))} to {rfc3339(int(times.max()))}" if times.size else "no times"),
    ]


def _table(rows: Sequence[LeaderboardRow]) -> str:
    shown, more = rows[:_MOST_ROWS], len(rows) - _MOST_ROWS
    share = metric_named(rows[0].metric).share
    axis = forest_axis([(row.lift, row.verdict) for row in shown], anchors=(0.0,))
    label = f"{metric_named(rows[0].metric).label} · {rows[0].estimator}"
    heads = ("policy", "verdict", label, "lift on logged", "")
    head = "".join(
        f'<th style="{_HEAD};width:{width}">{escape(name)}</th>' for name, width in zip(heads, _WIDTHS, strict=True)
    )
    body = "".join(
        f'<tr style="background:none"><td colspan="5" style="{_CELL};color:{SOFT};font-size:12px;'
        f'border-bottom:1px solid {LINE}">{escape(standing.value)}</td></tr>'
        + "".join(_row(row, axis, share) for row in same)
        for standing, same in groupby(shown, lambda row: row.standing)
    )
    rest = f'<div style="color:{SOFT}">and {more:,} more</div>' if more > 0 else ""
    style = "border-collapse:collapse;table-layout:fixed;width:100%;font:inherit;color:inherit"
    return f'<table style="{style}">{head}{body}</table>{rest}'


def _row(row: LeaderboardRow, axis: Axis, share: bool) -> str:
    figure, plot = lift(row.lift, row.baseline, share), ""
    if row.lift is not None:
        words = f"{row.policy}: lift {figure}, {row.verdict}"
        drawn = forest_row(row.lift, axis, row.verdict, words, unit="", line=0.0, ticks=False)
        plot = drawn.replace("<svg ", '<svg style="width:100%;height:28px;display:block" ', 1)
    if row.policy == BASELINE:
        figure = "baseline"
    grey = f";color:{SOFT}" if row.verdict == "refused" else ""
    rule = f"{_CELL};border-bottom:1px solid {GRID}"
    return (
        f'<tr style="background:none"><td style="{rule};overflow-wrap:anywhere"><b>{breakable(row.policy)}</b></td>'
        f'<td style="{rule};white-space:nowrap;font-weight:600;color:{VERDICTS[row.verdict]}">'
        f"{MARKS[row.verdict]} {row.verdict}</td>"
        f'<td style="{rule}{grey}">{escape(spread(row.value, share))}</td>'
        f'<td style="{rule}{grey}">{escape(figure)}</td>'
        f'<td style="{rule};padding-right:0">{plot}</td></tr>'
    )
