"""`import hillstrom SRC -o LOG`."""

from __future__ import annotations

from typing import Annotated

import typer

from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import named_numbers
from simulator.commands.written import say_written
from simulator.importers.hillstrom import HILLSTROM_ARMS, hillstrom_records
from simulator.importers.source_file import source_file
from simulator.log_writer import write_log

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("hillstrom")(import_hillstrom)


def import_hillstrom(
    source: Annotated[str, typer.Argument(metavar="SRC", help="The challenge's CSV file, gzipped or not.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="LOG", help="Where to write the log.")],
    cost: Annotated[
        list[str] | None, typer.Option(metavar="ARM=NUMBER", help="Stated cost of an arm; repeatable.")
    ] = None,
) -> None:
    """Import the MineThatData e-mail challenge: two e-mails and no e-mail, 1/3 each."""
    with errors_become_exits():
        source = source_file(source)
        rows = write_log(output, hillstrom_records(source, named_numbers(cost or [], "--cost")), HILLSTROM_ARMS)
    say_written(rows, output)
