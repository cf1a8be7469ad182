"""The command line of the engine, a file for each command."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.markup import escape

from engine.commands.app import app
from engine.core.errors import ArmsreachError, CallerError, CorruptState

__all__ = ["app", "main"]

UNUSABLE = 2


def main() -> None:
    """Run a command; errors of ours end in one line and a status, not in a traceback."""
    try:
        app()
    except ArmsreachError as error:
        Console(stderr=True).print(f"[red]error:[/red] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(UNUSABLE if isinstance(error, CallerError | CorruptState) else 1)
