"""Writes a sweep as one HTML file, and as a card for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from simulator.report.markup import breakable, verdict_badge
from simulator.report.notebook import leaderboard_card
from simulator.report.ranking import metric_named
from simulator.report.replay_report import CAVEAT
from simulator.report.summary import facts
from simulator.report.sweep_summary import periods_text, rounds_text, sweep_answer
from simulator.report.values import leaderboard_table

if TYPE_CHECKING:
    from simulator.sweep.sweep_report import SweepReport

__all__ = ["sweep_card", "sweep_html"]


def sweep_html(report: SweepReport, title: str) -> str:
    """Write the whole page: no script, nothing fetched, fit for a phone and for print.

    Args:
        report: The sweep.
        title: Name of the log.
    """
    style = files("simulator.report").joinpath("style.css").read_text(encoding="utf-8")
    body = "\n".join(_page(report, title))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light">\n<link rel="icon" href="data:,">\n'
        f"<title>Sweep of {escape(title)}</title>\n<style>\n{style}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def sweep_card(report: SweepReport) -> str:
    """Show a sweep in a notebook: the answer, how the log was parted, the leaderboard."""
    return (
        f'<div style="font:600 16px system-ui,sans-serif">{breakable(sweep_answer(report))}</div>'
        f'<div style="font:12px system-ui,sans-serif">{escape(periods_text(report))}<br>'
        f"{escape(rounds_text(report))}</div>{leaderboard_card(report.rows)}"
    )


def _page(report: SweepReport, title: str) -> Iterator[str]:
    shown = metric_named(report.metric)
    yield f'<header><p class="kicker">Sweep of</p><h1>{breakable(title)}</h1>'
    yield f"<p>{escape(' · '.join(facts(report.log)))}</p>"
    yield f'<p class="soft">{escape(periods_text(report))}<br>{escape(rounds_text(report))}</p>'
    yield f'<p class="answer">{breakable(sweep_answer(report))}</p>'
    yield f'<p class="soft caveat">{escape(CAVEAT)}</p></header><main>'
    yield "<section><h2>Leaderboard</h2>"
    yield (
        f'<p class="soft">by {escape(shown.label)} · {escape(report.estimator)} · the confirmed candidate with its own '
        f"{report.level:.0%} interval, all others with joint ones</p>"
    )
    yield leaderboard_table(report.rows) + "</section>"
    winner = report.winner
    if winner is not None and winner.reasons:
        yield f"<section><h2>Why not trusted</h2><p>{verdict_badge(winner.row.verdict)} "
        yield f"<b>{breakable(winner.row.policy)}</b>: {escape('; '.join(winner.reasons))}</p></section>"
    if winner is not None and winner.settings and winner.better:
        yield f"<section><h2>Settings</h2><pre>{escape(winner.settings)}</pre></section>"
    if report.commands:
        yield f"<section><h2>Next</h2><pre>{escape(chr(10).join(report.commands))}</pre></section>"
    if report.notes:
        listed = "".join(f"<li>{escape(note)}</li>" for note in report.notes)
        yield f"<section><h2>Notes</h2><ul>{listed}</ul></section>"
    yield "</main>"
