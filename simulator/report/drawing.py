"""The frame of a small inline SVG: it scales with the page, and says in words what it shows."""

from __future__ import annotations

from html import escape

from simulator.report.colours import INK, SOFT

__all__ = ["drawing", "label"]


def drawing(width: int, height: int, words: str, body: str) -> str:
    """Frame a drawing.

    Args:
        width: In user units; the page scales the drawing to the room there is.
        height: Likewise.
        words: What it shows, for those who do not see it.
        body: SVG elements.
    """
    return (
        f'<svg class="drawing" role="img" aria-label="{escape(words)}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{body}</svg>'
    )


def label(x: float, y: float, text: str, *, anchor: str = "middle", soft: bool = True, size: float = 11) -> str:
    """Write a text at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
        f'fill="{SOFT if soft else INK}">{escape(text)}</text>'
    )
