"""Writes a replay report as one HTML file: no script, nothing fetched, fit for a phone and for print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from importlib.resources import files

from simulator.report.evidence import calibration, diagnostics, over_time, support, weights
from simulator.report.markup import breakable, verdict_badge
from simulator.report.ranking import metric_named, ranked, reasons_of
from simulator.report.replay_report import CAVEAT, ReplayReport
from simulator.report.summary import answer, facts
from simulator.report.values import metric_section, ranking_section, segments_section

__all__ = ["html_report"]


def html_report(report: ReplayReport, title: str, drawings: Mapping[str, str] | None = None) -> str:
    """Write the whole report.

    Args:
        report: The report.
        title: Name of the log.
        drawings: Heading → inline SVG of our own making, such as profit against sends; shown after the ranking.
    """
    style = files("simulator.report").joinpath("style.css").read_text(encoding="utf-8")
    body = "\n".join(_page(report, title, drawings or {}))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light">\n<link rel="icon" href="data:,">\n'
        f"<title>Replay of {escape(title)}</title>\n<style>\n{style}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _page(report: ReplayReport, title: str, drawings: Mapping[str, str]) -> Iterator[str]:
    log = report.log
    yield f'<header><p class="kicker">Replay of</p><h1>{breakable(title)}</h1>'
    yield f"<p>{escape(' · '.join(facts(log)))}</p>"
    if log.first is not None:
        yield f'<p class="soft">{escape(log.first)} to {escape(str(log.last))}</p>'
    yield f'<p class="answer">{breakable(answer(report))}</p>'
    yield f'<p class="soft caveat">{escape(CAVEAT)}</p></header><main>'
    yield from _body(report, drawings)
    yield from _segments(report)
    notes = [warning for warning in log.warnings if warning != CAVEAT]
    if notes:
        listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
        yield f"<section><h2>Notes</h2><ul>{listed}</ul></section>"
    yield "</main>"


def _body(report: ReplayReport, drawings: Mapping[str, str]) -> Iterator[str]:
    order = ranked(report)
    yield from ranking_section(report)
    # The metric that ranks comes first: it is what a reader decides by.
    for key in sorted(order[0].metrics, key=lambda key: key != report.ranked_by):
        yield from metric_section(key, order, ranks=key == report.ranked_by)
    for heading, svg in drawings.items():
        yield f'<section><h2>{escape(heading)}</h2><figure class="wide">{svg}</figure></section>'
    reasons = list(reasons_of(report))
    if reasons:
        yield "<section><h2>Why not trusted</h2><ul>"
        for policy, verdict, metrics, why in reasons:
            yield f"<li>{verdict_badge(verdict)} <b>{breakable(policy)}</b> on {escape(metrics)}: {escape(why)}</li>"
        yield "</ul></section>"
    first = metric_named(next(iter(order[0].metrics)))
    yield from diagnostics(order)
    yield from weights(order)
    yield from support(order)
    if report.pictures is not None:
        yield from calibration(report.pictures)
    yield from over_time(order, first)


def _segments(report: ReplayReport) -> Iterator[str]:
    if not report.groups:
        return
    yield from segments_section(report)
    for value, group in report.groups.items():
        name = f"{report.by} = {value}"
        yield f'<details class="segment"><summary><b>{escape(name)}</b> {group.log.decisions:,} decisions</summary>'
        yield f'<p class="answer">{breakable(answer(group))}</p>'
        yield from _body(group, {})
        yield "</details>"
