"""Draws profit against sends as inline SVG, with a numbered legend below."""

from __future__ import annotations

from html import escape

from simulator.pareto import Pareto, ParetoPoint
from simulator.report.chart import COLOURS, Chart, axis_of
from simulator.report.figures import amount, spread
from simulator.report.ranking import metric_named

__all__ = ["pareto_svg"]


def pareto_svg(pareto: Pareto) -> str:
    """Draw the points with their intervals, the front as a line; dominated points are hollow.

    Returns:
        An svg element and a list that names its numbers; empty where no point has a place.
    """
    points = pareto.points
    if not points:
        return ""
    effort, reward = metric_named(pareto.effort), metric_named(pareto.reward)
    xs = [point.effort.value or 0.0 for point in points]
    # A refused interval may be so wide that nothing else could be seen: it runs out of the picture.
    ends = [
        end
        for point in points
        for end in (point.reward.value, point.reward.low, point.reward.high)
        if end is not None and (point.verdict.value != "refused" or end == point.reward.value)
    ]
    chart = Chart(axis_of(xs), axis_of(ends), f"{pareto.reward} against {pareto.effort}")
    front = [(point.effort.value or 0.0, point.reward.value or 0.0) for point in pareto.front]
    marks = [f'<polyline points="{chart.path(front)}" fill="none" stroke="#1f5fa8" stroke-width="1.5" opacity="0.6"/>']
    marks += [_mark(chart, number, point) for number, point in enumerate(points, start=1)]
    drawing = chart.draw(
        marks,
        effort.label,
        reward.label,
        lambda x: f"{x:.0%}" if effort.share else amount(x, False),
        lambda y: amount(y, reward.share),
    )
    legend = "".join(_named(point, reward.share, effort.share) for point in points)
    return f'{drawing}<ol class="soft">{legend}</ol>'


def _mark(chart: Chart, number: int, point: ParetoPoint) -> str:
    colour, reward = COLOURS[point.verdict.value], point.reward
    x, y = chart.at(point.effort.value or 0.0, reward.value or 0.0)
    interval = ""
    if reward.low is not None and reward.high is not None:
        _, bottom = chart.at(0.0, max(reward.low, chart.y[0]))
        _, top = chart.at(0.0, min(reward.high, chart.y[1]))
        interval = (
            f'<line x1="{x}" x2="{x}" y1="{bottom}" y2="{top}" stroke="{colour}" stroke-width="3" '
            'stroke-linecap="round" opacity="0.35"/>'
        )
    fill, ink = ("#ffffff", colour) if point.dominated_by else (colour, "#ffffff")
    return (
        f'{interval}<circle cx="{x}" cy="{y}" r="7.5" fill="{fill}" stroke="{colour}" stroke-width="1.5"/>'
        f'<text x="{x}" y="{y + 3.5}" font-size="10" font-weight="600" fill="{ink}" '
        f'text-anchor="middle">{number}</text>'
    )


def _named(point: ParetoPoint, reward_share: bool, effort_share: bool) -> str:
    worse = ""
    if point.dominated_by:
        surely = "surely dominated" if point.surely else "dominated"
        worse = f", {surely} by {escape(point.dominated_by[0])}"
    value, effort = spread(point.reward, reward_share), amount(point.effort.value, effort_share)
    return (
        f'<li><b>{escape(point.label)}</b> <span class="{point.verdict.value}">{point.verdict.value}</span>: '
        f"{escape(value)} at {escape(effort)}{worse}</li>"
    )
