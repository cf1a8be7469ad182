"""`import obd SRC -o LOG`."""

from __future__ import annotations

from typing import Annotated

import typer

from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.written import say_written
from simulator.importers.obd import OBD_NOTES, obd_arms, obd_records
from simulator.importers.source_file import source_file
from simulator.log_writer import write_log

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("obd")(import_obd)


def import_obd(
    source: Annotated[str, typer.Argument(metavar="SRC", help="The CSV of one campaign and policy, gzipped or not.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="LOG", help="Where to write the log.")],
) -> None:
    """Import the Open Bandit Dataset; its intervals are unclustered."""
    with errors_become_exits():
        source = source_file(source)
        items, arms = obd_arms(source)
        rows = write_log(output, obd_records(source, items), arms)
    say_written(rows, output, OBD_NOTES)
