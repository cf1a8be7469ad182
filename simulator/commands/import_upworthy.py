"""`import upworthy SRC -o LOG`."""

from __future__ import annotations

from typing import Annotated

import typer

from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.written import say_written
from simulator.importers.source_file import source_file
from simulator.importers.upworthy import FAULTY_WEEKS, UpworthyTests
from simulator.log_writer import write_log

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("upworthy")(import_upworthy)


def import_upworthy(
    source: Annotated[str, typer.Argument(metavar="SRC", help="The archive as CSV (also .gz) or Parquet.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="LOG", help="Where to write the log.")],
) -> None:
    """Import the Upworthy Research Archive: headlines at random with equal probability, clustered by test."""
    with errors_become_exits():
        source = source_file(source)
        archive = UpworthyTests.read(source)
        rows = write_log(output, archive.records(), archive.arms())
    first, last = FAULTY_WEEKS
    notes = [f"dropped {archive.dropped:,} packages of weeks {first} to {last}, whose assignment was faulty"]
    say_written(rows, output, notes if archive.dropped else [])
