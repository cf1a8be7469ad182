"""Draws values with their intervals, one a row, on an axis that the rows of a column share.

Positions are per cent of the width, so that text and marks keep their size on a phone.
"""

from __future__ import annotations

from html import escape

from simulator.report.axis import Axis
from simulator.report.colours import GRID, LINE, PAPER, SOFT, VERDICTS
from simulator.report.figures import tick_text
from simulator.report.replay_report import Estimate

__all__ = ["forest_axis", "forest_row"]

_MIDDLE = 14


def forest_axis(estimates: list[tuple[Estimate | None, str]], *, anchors: tuple[float | None, ...] = ()) -> Axis:
    """Choose the axis of a column.

    Args:
        estimates: Each with its verdict; refused ones may be cut off, as their width would hide all others.
        anchors: Values that have to be on it, such as a lift of 0.
    """

    def ends(one: Estimate | None) -> list[float | None]:
        return [] if one is None else [one.value, one.low, one.high]

    firm = [end for one, verdict in estimates if verdict != "refused" for end in ends(one)]
    loose = [end for one, verdict in estimates if verdict == "refused" for end in ends(one)]
    return Axis.around([*firm, *(anchors if firm or loose else ())], loose)


def forest_row(
    estimate: Estimate,
    axis: Axis,
    verdict: str,
    words: str,
    *,
    unit: str,
    line: float | None,
    ticks: bool = True,
) -> str:
    """Draw one value with its interval.

    Args:
        estimate: Nothing is drawn where it has no value.
        axis: Of the column.
        verdict: Filled mark for trusted, half filled for weak, hollow for refused.
        words: What it shows, for those who do not see it.
        unit: Of the ticks: "%" or "pp" for shares, else empty.
        line: Where a dashed line stands: the baseline's value, or 0.
        ticks: Whether the axis is drawn below.
    """
    if estimate.value is None:
        return ""
    colour = VERDICTS[verdict]
    marks = [_grid(axis, unit)] if ticks else []
    if line is not None and axis.holds(line):
        marks.append(
            f'<line x1="{_x(axis, line)}" x2="{_x(axis, line)}" y1="0" y2="28" stroke="{SOFT}" stroke-dasharray="3 3"/>'
        )
    if estimate.low is not None and estimate.high is not None:
        marks.append(_whisker(estimate.low, estimate.high, axis, colour))
    if axis.holds(estimate.value):
        marks.append(_mark(_x(axis, estimate.value), verdict, colour))
    return f'<svg class="forest" role="img" aria-label="{escape(words)}">{"".join(marks)}</svg>'


def _x(axis: Axis, value: float) -> str:
    return f"{100 * axis.part(value):.2f}%"


def _grid(axis: Axis, unit: str) -> str:
    ticks = axis.ticks(margin=0.07)
    lines = "".join(
        f'<line x1="{_x(axis, tick)}" x2="{_x(axis, tick)}" y1="0" y2="28" stroke="{GRID}"/>' for tick in ticks
    )
    texts = "".join(
        f'<text x="{_x(axis, tick)}" y="42" font-size="11" fill="{SOFT}" text-anchor="middle">'
        f"{escape(tick_text(tick, unit))}</text>"
        for tick in ticks
    )
    return f'{lines}<g class="ticks"><line x1="0" x2="100%" y1="28" y2="28" stroke="{LINE}"/>{texts}</g>'


def _whisker(low: float, high: float, axis: Axis, colour: str) -> str:
    """Draw an interval, with an arrow where it goes on beyond the axis."""
    bar = (
        f'<line x1="{_x(axis, low)}" x2="{_x(axis, high)}" y1="{_MIDDLE}" y2="{_MIDDLE}" stroke="{colour}" '
        'stroke-width="2.5"/>'
    )
    for end in (low, high):
        if axis.holds(end):
            bar += (
                f'<line x1="{_x(axis, end)}" x2="{_x(axis, end)}" y1="9" y2="19" stroke="{colour}" stroke-width="2"/>'
            )
    arrows = (("0%", "0,14 7,9.5 7,18.5", low < axis.low), ("100%", "0,14 -7,9.5 -7,18.5", high > axis.high))
    for at, arrow, beyond in arrows:
        if beyond:
            bar += f'<svg x="{at}" overflow="visible"><polygon points="{arrow}" fill="{colour}"/></svg>'
    return bar


def _mark(x: str, verdict: str, colour: str) -> str:
    fill = colour if verdict == "trusted" else PAPER
    half = f'<path d="M0 8.5a5.5 5.5 0 0 0 0 11z" fill="{colour}"/>' if verdict == "weak" else ""
    circle = f'<circle cx="0" cy="{_MIDDLE}" r="5.5" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
    return f'<svg x="{x}" overflow="visible">{circle}{half}</svg>'
