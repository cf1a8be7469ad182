"""Draws how well a model's predictions are calibrated."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.report.axis import Axis
from simulator.report.colours import ACCENT, GRID, LINE, SOFT
from simulator.report.drawing import drawing, label
from simulator.report.figures import amount, tick_text
from simulator.report.pictures import Reliability

__all__ = ["reliability_diagram"]

_SIZE = 320
_LEFT, _RIGHT, _TOP, _FLOOR = 58.0, 310.0, 12.0, 270.0
_LARGEST, _SMALLEST = 9.0, 2.5


def reliability_diagram(bins: Sequence[Reliability], quantity: str, *, share: bool) -> str:
    """Draw a dot a bin of predictions, its area by decisions, beside the line on which a true model lies.

    Args:
        bins: At least one.
        quantity: What was predicted.
        share: Whether it is shown in per cent.
    """
    axis = Axis.around([end for one in bins for end in (one.predicted, one.observed)])
    most = max(one.decisions for one in bins) or 1

    def x(value: float) -> float:
        return _LEFT + axis.part(value) * (_RIGHT - _LEFT)

    def y(value: float) -> float:
        return _FLOOR - axis.part(value) * (_FLOOR - _TOP)

    parts = []
    for tick in axis.ticks(margin=0.05):
        shown = tick_text(tick, "%" if share else "")
        parts.append(f'<line x1="{_LEFT}" x2="{_RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="{GRID}"/>')
        parts.append(f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{_TOP}" y2="{_FLOOR}" stroke="{GRID}"/>')
        parts.append(label(_LEFT - 5, y(tick) + 4, shown, anchor="end", size=10))
        parts.append(label(x(tick), _FLOOR + 15, shown, size=10))
    parts.append(f'<path d="M{_LEFT} {_TOP}V{_FLOOR}H{_RIGHT}" fill="none" stroke="{LINE}"/>')
    parts.append(f'<line x1="{_LEFT}" y1="{_FLOOR}" x2="{_RIGHT}" y2="{_TOP}" stroke="{SOFT}" stroke-dasharray="4 4"/>')
    for one in sorted(bins, key=lambda one: -one.decisions):
        radius = max(_SMALLEST, _LARGEST * (one.decisions / most) ** 0.5)
        parts.append(
            f'<circle cx="{x(one.predicted):.1f}" cy="{y(one.observed):.1f}" r="{radius:.1f}" fill="{ACCENT}" '
            f'fill-opacity="0.75" stroke="{ACCENT}"><title>{_words(one, share)}</title></circle>'
        )
    parts.append(label((_LEFT + _RIGHT) / 2, _SIZE - 14, f"predicted {quantity}"))
    parts.append(f'<g transform="rotate(-90 12 141)">{label(12, 141, f"observed {quantity}")}</g>')
    words = f"Calibration of {quantity}: " + "; ".join(_words(one, share) for one in bins)
    return drawing(_SIZE, _SIZE, words, "".join(parts))


def _words(one: Reliability, share: bool) -> str:
    predicted, observed = amount(one.predicted, share), amount(one.observed, share)
    return f"predicted {predicted}, observed {observed} on {one.decisions:,} decisions"
