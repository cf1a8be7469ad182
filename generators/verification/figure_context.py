"""What the words around a figure say about it, read from `data/cues.toml`."""

from __future__ import annotations

import re
from functools import cache

from generators.data import load_toml


def cued(table: str, name: str, match: re.Match[str]) -> bool:
    """Say whether one of the named cues touches the figure.

    Args:
        table: `money`, `percent` or `date`.
        name: Name of a list; it ends in `_before` or `_after`.
        match: The figure in its string.
    """
    pattern = _cue(table, name)
    if name.endswith("_before"):
        return bool(pattern.search(match.string[: match.start()]))
    return bool(pattern.match(match.string[match.end() :]))


@cache
def _cue(table: str, name: str) -> re.Pattern[str]:
    words = "|".join(f"(?:{pattern})" for pattern in load_toml("cues.toml")[table].get(name, ["(?!)"]))
    # "was just $24", "现在只要¥68": a filler may stand between cue and figure.
    tail = r"(?:\s*(?:just|only|a|an|the|只要|仅需|仅|为|是|价)\s*)?\s*$" if name.endswith("_before") else ""
    return re.compile(f"(?:{words}){tail}", re.IGNORECASE)
