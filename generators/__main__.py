"""The command line: `python -m generators {needs|copy|approve|check|gallery|feedback|train} …`."""

from __future__ import annotations

import typer
from rich.console import Console

from engine.core.errors import ArmsreachError, CallerError, CorruptState
from generators.commands.approve import approve
from generators.commands.check import check
from generators.commands.copy import copy
from generators.commands.gallery import gallery
from generators.commands.needs import needs
from generators.commands.train import train
from generators.feedback.command import feedback

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def generators() -> None:
    """Write promotion copy that never states a wrong fact."""


for command in (needs, copy, approve, check, gallery, feedback):
    app.command()(command)
app.add_typer(train, name="train")


def main() -> None:
    """Run a command; it ends with one line that says what to do: code 2 for wrong input, 1 for what else is known."""
    console = Console(stderr=True)
    try:
        app(standalone_mode=True)
    except ArmsreachError as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(2 if isinstance(error, CallerError | CorruptState) else 1) from error


if __name__ == "__main__":
    main()
