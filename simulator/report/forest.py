"""Draws intervals as small inline SVG on an axis shared by all policies of a metric."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

from simulator.report.figures import amount
from simulator.report.replay_report import Estimate

__all__ = ["forest_axis", "forest_row"]

_COLOURS = {"trusted": "#1b7f4d", "weak": "#a86a00", "refused": "#b3261e"}
_TICKS = 4


def forest_axis(estimates: Sequence[Estimate]) -> tuple[float, float]:
    """Choose an axis that holds every value and interval, with some air."""
    ends = [end for one in estimates for end in (one.value, one.low, one.high) if end is not None]
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    air = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return low - air, high + air


def forest_row(estimate: Estimate, axis: tuple[float, float], verdict: str, share: bool, baseline: float | None) -> str:
    """Draw one value with its interval, ticks below, and the baseline as a dashed line.

    Positions are per cent of the width, so that text keeps its size on a phone.
    """
    if estimate.value is None:
        return ""

    def x(value: float) -> str:
        return f"{100 * (value - axis[0]) / (axis[1] - axis[0]):.2f}%"

    marks = [
        f'<line x1="{x(tick)}" x2="{x(tick)}" y1="28" y2="32" stroke="#9aa7b4"/>'
        f'<text x="{x(tick)}" y="46" font-size="11" fill="#5d6b7a" text-anchor="middle">{amount(tick, share)}</text>'
        for tick in _ticks(axis)
    ]
    if baseline is not None:
        marks.append(
            f'<line x1="{x(baseline)}" x2="{x(baseline)}" y1="2" y2="28" stroke="#9aa7b4" stroke-dasharray="3 3"/>'
        )
    colour = _COLOURS[verdict]
    if estimate.low is not None and estimate.high is not None:
        marks.append(
            f'<line x1="{x(estimate.low)}" x2="{x(estimate.high)}" y1="15" y2="15" stroke="{colour}" '
            'stroke-width="4" stroke-linecap="round" opacity="0.55"/>'
        )
    marks.append(f'<circle cx="{x(estimate.value)}" cy="15" r="5.5" fill="{colour}"/>')
    return (
        '<svg role="img" aria-label="value and interval"><line x1="0" x2="100%" y1="28" y2="28" stroke="#d9dfe6"/>'
        + "".join(marks)
        + "</svg>"
    )


def _ticks(axis: tuple[float, float]) -> list[float]:
    """Place round ticks well inside the axis, so that no label is cut off."""
    width = axis[1] - axis[0]
    rough = width / _TICKS
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    first = floor(axis[0] / step) + 1
    ticks = [step * number for number in range(first, first + _TICKS + 1)]
    return [
        0.0 if abs(tick) < step / 1e6 else tick
        for tick in ticks
        if axis[0] + 0.06 * width <= tick <= axis[1] - 0.06 * width
    ]
