"""The report's colours: told apart by colour-blind readers, and dark enough on white for small text."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ACCENT", "GRID", "INK", "LINE", "MARKS", "PAPER", "SOFT", "VERDICTS", "heat"]

INK = "#17202b"
SOFT = "#4b5968"
LINE = "#8a97a5"
GRID = "#dfe5eb"
PAPER = "#ffffff"
ACCENT = "#1f5fa8"

#: Each verdict also has a sign of its own, since colour alone says nothing to some.
VERDICTS: Mapping[str, str] = {"trusted": "#0b6b50", "weak": "#8a5a00", "refused": "#a4262c"}
MARKS: Mapping[str, str] = {"trusted": "●", "weak": "◐", "refused": "○"}

_DEEPEST = (138, 185, 232)


def heat(part: float) -> str:
    """Give a background for a cell that is `part`, in [0, 1], of the fullest; dark text reads well on each.

    >>> heat(0.0), heat(1.0)
    ('#ffffff', '#8ab9e8')
    """
    # The square root keeps small shares visible beside a large one.
    depth = max(0.0, min(1.0, part)) ** 0.5
    return "#" + "".join(f"{round(255 + (channel - 255) * depth):02x}" for channel in _DEEPEST)
