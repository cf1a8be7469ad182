"""Draws a budget curve as inline SVG."""

from __future__ import annotations

from simulator.budget.budget_report import SIMULATED, Budget, BudgetPoint
from simulator.report.chart import COLOURS, Chart, axis_of
from simulator.report.figures import amount

__all__ = ["budget_svg"]

_GREY = "#5d6b7a"


def budget_svg(budget: Budget) -> str:
    """Draw the change of profit over the change of spend, with its intervals; dashed where it is the model's word.

    The curve is whole where the log can tell, and each of its points has the colour of its verdict.
    """
    told = [point for point in budget.points if point.supported and point.gain.value is not None]
    guessed = [point for point in budget.points if point.simulated is not None]
    scale = budget.decisions
    heights = [scale * end for p in told for end in (p.gain.low, p.gain.value, p.gain.high) if end is not None]
    heights += [scale * (point.simulated or 0.0) for point in guessed]
    chart = Chart(
        axis_of([point.change for point in budget.points], 0.0),
        axis_of(heights, 0.0),
        f"change of profit over change of {budget.channel} spend",
    )
    marks = [_zero(chart), *_band(chart, told, scale)]
    for side in (-1, 1):
        marks += _model(chart, [point for point in guessed if point.change * side > 0], told, scale, side)
    marks.append(
        f'<polyline points="{chart.path([_place(point, scale) for point in told])}" fill="none" stroke="#1c2530" '
        'stroke-width="1.5"/>'
    )
    for point in told:
        x, y = chart.at(*_place(point, scale))
        marks.append(f'<circle cx="{x}" cy="{y}" r="4.5" fill="{COLOURS[point.verdict.name.value]}"/>')
    return chart.draw(
        marks,
        f"change of spend on {budget.channel}",
        f"change of profit over {scale:,} decisions",
        lambda x: f"{x:+.0%}" if x else "0 %",
        lambda y: amount(y, False),
    )


def _place(point: BudgetPoint, scale: int) -> tuple[float, float]:
    return point.change, scale * (point.gain.value or 0.0)


def _zero(chart: Chart) -> str:
    (left, y), (right, _) = chart.at(chart.x[0], 0.0), chart.at(chart.x[1], 0.0)
    return f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="#9aa7b4" stroke-dasharray="3 3"/>'


def _band(chart: Chart, told: list[BudgetPoint], scale: int) -> list[str]:
    lows = [(point.change, scale * point.gain.low) for point in told if point.gain.low is not None]
    highs = [(point.change, scale * point.gain.high) for point in told if point.gain.high is not None]
    if len(lows) < 2:
        return []
    return [f'<polygon points="{chart.path([*lows, *reversed(highs)])}" fill="#1f5fa8" opacity="0.15"/>']


def _model(chart: Chart, guessed: list[BudgetPoint], told: list[BudgetPoint], scale: int, side: int) -> list[str]:
    """Go on from where the curve ends, dashed and in grey, with the words beside it."""
    if not guessed:
        return []
    beside = [point for point in told if point.change * side >= 0]
    points = [(point.change, scale * (point.simulated or 0.0)) for point in guessed]
    if beside:
        end = max(beside, key=lambda point: point.change * side)
        points.append(_place(end, scale))
    points.sort()
    # The words stand where the line is not: at the top where it goes down, else at the bottom.
    outmost, top = points[-1] if side > 0 else points[0], chart.y[1]
    falls = outmost[1] < (chart.y[0] + top) / 2
    x, y = chart.at(chart.x[1] if side > 0 else chart.x[0], top if falls else chart.y[0])
    x, y = x - 4 * side, y + (12 if falls else -6)
    anchor = "end" if side > 0 else "start"
    return [
        f'<polyline points="{chart.path(points)}" fill="none" stroke="{_GREY}" stroke-width="1.5" '
        'stroke-dasharray="5 4"/>',
        *(
            f'<circle cx="{cx}" cy="{cy}" r="3.5" fill="#ffffff" stroke="{_GREY}"/>'
            for cx, cy in (chart.at(point.change, scale * (point.simulated or 0.0)) for point in guessed)
        ),
        f'<text x="{x}" y="{y}" font-size="10" fill="{_GREY}" text-anchor="{anchor}">{SIMULATED}</text>',
    ]
