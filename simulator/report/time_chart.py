"""Draws a policy's value period by period, with its interval as a band."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from simulator.report.axis import Axis
from simulator.report.colours import ACCENT, GRID, LINE, SOFT
from simulator.report.drawing import drawing, label
from simulator.report.figures import amount, tick_text
from simulator.report.pictures import PointInTime

__all__ = ["time_axis", "time_chart"]

_WIDTH, _HEIGHT = 320, 170
_LEFT, _RIGHT, _TOP, _FLOOR = 48.0, 312.0, 10.0, 138.0


def time_axis(series: Sequence[tuple[Sequence[PointInTime], bool]]) -> Axis:
    """Choose one axis for the charts of several policies, each with whether it has a verdict."""
    # Lines are drawn whole; only the bands of policies without a verdict may be cut off.
    values = [one.value for points, _ in series for one in points]
    firm = [end for points, judged in series if judged for one in points for end in (one.low, one.high)]
    loose = [end for points, judged in series if not judged for one in points for end in (one.low, one.high)]
    return Axis.around([*values, *firm], loose)


def time_chart(
    points: Sequence[PointInTime], logged: Sequence[PointInTime], axis: Axis, words: str, *, share: bool
) -> str:
    """Draw a line with a band; a period without a value leaves a gap.

    Args:
        points: Of the policy, in time.
        logged: Of the logged policy, as a dashed line; empty for none.
        axis: Of the values.
        words: What it shows, for those who do not see it.
        share: Whether values are in per cent.
    """
    if not points:
        return ""
    starts = sorted({one.start for one in (*points, *logged)})
    # A period stands at its own place, whether or not the other series has it.
    places = {start: (place + 0.5) / len(starts) for place, start in enumerate(starts)}

    def x(one: PointInTime) -> float:
        return _LEFT + places[one.start] * (_RIGHT - _LEFT)

    def y(value: float) -> float:
        return _FLOOR - axis.part(value) * (_FLOOR - _TOP)

    def line(run: Sequence[PointInTime], stroke: str) -> str:
        places = " ".join(f"{x(one):.1f},{y(one.value):.1f}" for one in run if one.value is not None)
        return f'<polyline points="{places}" fill="none" {stroke}/>'

    parts = []
    for tick in axis.ticks(most=3, margin=0.05):
        parts.append(f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="{GRID}"/>')
        parts.append(label(_LEFT - 5, y(tick) + 4, tick_text(tick, "%" if share else ""), anchor="end", size=10))
    for run in _unbroken(points):
        banded = [(one, one.low, one.high) for one in run if one.low is not None and one.high is not None]
        over = [f"{x(one):.1f},{y(high):.1f}" for one, _, high in banded]
        under = [f"{x(one):.1f},{y(low):.1f}" for one, low, _ in reversed(banded)]
        if len(banded) > 1:
            parts.append(f'<polygon points="{" ".join(over + under)}" fill="{ACCENT}" fill-opacity="0.18"/>')
        elif banded:
            top, bottom = over[0].split(",")[1], under[0].split(",")[1]
            parts.append(f'<path d="M{x(run[0]):.1f} {top}V{bottom}" stroke="{ACCENT}" stroke-opacity="0.4"/>')
    parts += [line(run, f'stroke="{SOFT}" stroke-dasharray="4 3"') for run in _unbroken(logged)]
    for run in _unbroken(points):
        parts.append(line(run, f'stroke="{ACCENT}" stroke-width="2"'))
        parts += [_dot(one, x(one), y(one.value), share) for one in run if one.value is not None]
    parts.append(f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{_FLOOR}" y2="{_FLOOR}" stroke="{LINE}"/>')
    first, last = _moments(starts)
    parts.append(label(_LEFT, _FLOOR + 16, first, anchor="start"))
    if last != first:
        parts.append(label(_RIGHT, _FLOOR + 16, last, anchor="end"))
    return drawing(_WIDTH, _HEIGHT - 8, words, "".join(parts))


def _unbroken(points: Sequence[PointInTime]) -> list[list[PointInTime]]:
    return [list(run) for defined, run in groupby(points, lambda one: one.value is not None) if defined]


def _dot(one: PointInTime, x: float, y: float, share: bool) -> str:
    between = "" if one.low is None else f" [{amount(one.low, share)}, {amount(one.high, share)}]"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{ACCENT}"><title>from {_moments([one.start])[0]}: '
        f"{amount(one.value, share)}{between}, {one.decisions:,} decisions</title></circle>"
    )


def _moments(starts: Sequence[str]) -> tuple[str, str]:
    """Shorten the first and last start to what tells them apart: the day, and the minute where periods are shorter.

    >>> _moments(["2024-09-02T00:00:00Z", "2024-09-09T00:00:00Z"])
    ('2024-09-02', '2024-09-09')
    """
    days = [start[:10] for start in starts]
    whole = len(set(days)) == len(days)
    first, last = (start[:10] if whole else start[:16].replace("T", " ") for start in (starts[0], starts[-1]))
    return first, last
