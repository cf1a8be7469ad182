"""Draws how a policy's weights are spread over the decisions of the log."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.report.colours import ACCENT, LINE
from simulator.report.drawing import drawing, label
from simulator.report.pictures import BarOfWeights

__all__ = ["histogram"]

_WIDTH, _HEIGHT = 320, 156
_FLOOR, _TOP = 122.0, 22.0
_MOST_LABELS = 9


def histogram(bars: Sequence[BarOfWeights], policy: str) -> str:
    """Draw one bar a class of weights, with its share of decisions above it; empty where there are none."""
    if not bars:
        return ""
    tallest = max(bar.share for bar in bars) or 1.0
    step = (_WIDTH - 8) / len(bars)
    parts = []
    for place, bar in enumerate(bars):
        left = 4 + place * step
        height = (_FLOOR - _TOP) * bar.share / tallest
        middle = left + step / 2
        parts.append(
            f'<rect x="{left + 1.5:.1f}" y="{_FLOOR - height:.1f}" width="{step - 3:.1f}" height="{height:.1f}" '
            f'fill="{ACCENT}"><title>{_words(bar)}</title></rect>'
        )
        if bar.share > 0 and step >= 24:
            parts.append(label(middle, _FLOOR - height - 4, _per_cent(bar.share), soft=False, size=10))
    every = -(-len(bars) // _MOST_LABELS)
    for place, bar in enumerate(bars):
        if place % every == 0:
            parts.append(label(max(10.0, 4 + place * step), _FLOOR + 14, f"{bar.low:.4g}", size=10))
    parts.append(f'<line x1="0" x2="{_WIDTH}" y1="{_FLOOR}" y2="{_FLOOR}" stroke="{LINE}"/>')
    parts.append(label(_WIDTH / 2, _HEIGHT - 5, "weight from … on"))
    words = f"Weights of {policy}: " + "; ".join(_words(bar) for bar in bars)
    return drawing(_WIDTH, _HEIGHT, words, "".join(parts))


def _words(bar: BarOfWeights) -> str:
    span = f"{bar.low:.4g} and more" if bar.high is None else f"{bar.low:.4g} to {bar.high:.4g}"
    return f"{span}: {_per_cent(bar.share)} of decisions"


def _per_cent(share: float) -> str:
    per_cent = 100 * share
    return f"{per_cent:.0f} %" if per_cent >= 9.5 else f"{per_cent:.2g} %"
