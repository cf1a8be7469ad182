"""A small chart with two axes as inline SVG: no script, drawn for the width of a phone, fit for print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10

__all__ = ["COLOURS", "Chart", "axis_of", "ticks_of"]

COLOURS = {"trusted": "#1b7f4d", "weak": "#a86a00", "refused": "#b3261e"}
_WIDTH, _HEIGHT = 360, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 42
_SOFT, _LINE = "#5d6b7a", "#d9dfe6"
_TICKS = 5


def axis_of(values: Sequence[float], *more: float) -> tuple[float, float]:
    """Choose an axis that holds all values, with some air.

    >>> axis_of([0.0, 1.0])
    (-0.06, 1.06)
    """
    ends = [*values, *more] or [0.0, 1.0]
    low, high = min(ends), max(ends)
    air = 0.06 * (high - low) or abs(high) * 0.1 or 1.0
    return low - air, high + air


def ticks_of(axis: tuple[float, float]) -> list[float]:
    """Place round ticks inside an axis.

    >>> ticks_of((-0.06, 1.06))
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    rough = (axis[1] - axis[0]) / _TICKS
    unit = 10.0 ** floor(log10(rough))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= rough)
    first = floor(axis[0] / step) + 1
    ticks = [step * number for number in range(first, first + 2 * _TICKS)]
    return [0.0 if abs(tick) < step / 1e6 else tick for tick in ticks if axis[0] <= tick <= axis[1]]


@dataclass(frozen=True, slots=True)
class Chart:
    """Axes, and where a value lies between them.

    Attributes:
        x: Range of the horizontal axis.
        y: Range of the vertical one.
        label: What it shows, for readers who do not see it.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    label: str

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Place a value, in units of the picture."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            round(_LEFT + across * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        """List points as a polyline or polygon takes them."""
        return " ".join(f"{x},{y}" for x, y in (self.at(*point) for point in points))

    def draw(
        self,
        marks: Sequence[str],
        x_name: str,
        y_name: str,
        x_form: Callable[[float], str],
        y_form: Callable[[float], str],
    ) -> str:
        """Put marks between labelled axes.

        Args:
            marks: SVG elements.
            x_name: Name of the horizontal axis.
            y_name: Name of the vertical one.
            x_form: Writes a tick.
            y_form: Likewise.
        """
        bottom, middle = _HEIGHT - _BOTTOM, (_LEFT + _WIDTH - _RIGHT) / 2
        grid = []
        for tick in ticks_of(self.y):
            _, y = self.at(self.x[0], tick)
            grid.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="{_LINE}"/>')
            grid.append(_text(_LEFT - 5, y + 4, y_form(tick), "end"))
        for tick in ticks_of(self.x):
            x, _ = self.at(tick, self.y[0])
            grid.append(f'<line x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}" stroke="#9aa7b4"/>')
            grid.append(_text(x, bottom + 16, x_form(tick), "middle"))
        names = [
            _text(middle, _HEIGHT - 6, x_name, "middle"),
            f'<g transform="rotate(-90)">{_text(-(_TOP + bottom) / 2, 11, y_name, "middle")}</g>',
        ]
        return (
            f'<svg role="img" aria-label="{escape(self.label)}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'style="width:100%;max-width:34rem;height:auto" font-family="inherit">'
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{bottom}" y2="{bottom}" stroke="#9aa7b4"/>'
            + "".join((*grid, *marks, *names))
            + "</svg>"
        )


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="11" fill="{_SOFT}" text-anchor="{anchor}">{escape(words)}</text>'
