"""What the commands' exit codes mean, and the one place where errors become them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from engine.core.errors import ArmsreachError

__all__ = ["REFUSED", "UNUSABLE", "errors_become_exits"]

UNUSABLE = 2
REFUSED = 3


@contextmanager
def errors_become_exits() -> Iterator[None]:
    """Print an error that was raised on purpose to stderr and leave with code 2.

    Raises:
        typer.Exit: In place of the error.
    """
    try:
        yield
    except ArmsreachError as error:
        Console(stderr=True, soft_wrap=True).print(Text.assemble(("error: ", "bold red"), str(error)))
        raise typer.Exit(UNUSABLE) from error
