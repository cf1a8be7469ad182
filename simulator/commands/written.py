"""Says what an import wrote and what to do with it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

__all__ = ["say_written"]


def say_written(rows: int, path: str, notes: Sequence[str] = ()) -> None:
    """Print the number of rows, what a reader should know, and the next command."""
    console = Console(soft_wrap=True)
    console.print(Text(f"wrote {rows:,} rows to {path}"))
    for note in notes:
        console.print(Text.assemble(("note: ", "yellow"), note))
    console.print(Text(f"next: python -m simulator replay {path}"))
