"""`export --to {dsjson|parquet} LOG -o OUT`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from engine.core.errors import InvalidInput
from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import named_numbers, one_of, words
from simulator.exporters.dsjson import DsjsonExport
from simulator.exporters.recorded_log import RecordedLog
from simulator.log_writer import write_log

__all__ = ["register"]

_FORMATS = ("dsjson", "parquet")


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("export")(export)


def export(
    log: Annotated[str, typer.Argument(metavar="LOG", help="A decision log.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="OUT", help="Where to write it.")],
    to: Annotated[str, typer.Option(metavar="|".join(_FORMATS), help="The format.")],
    objective: Annotated[
        str | None,
        typer.Option(metavar="TYPE=NUMBER,...", help="Reward of dsjson's label; default click=1, else the money."),
    ] = None,
) -> None:
    """Write a log in another format; importing it back gives the same decisions."""
    with errors_become_exits():
        source = RecordedLog(log)
        if one_of(to, _FORMATS, "--to") == "parquet":
            if objective is not None:
                raise InvalidInput("expected it with --to dsjson only; leave it out", field="--objective")
            if not output.endswith(".parquet"):
                raise InvalidInput(f"expected a name ending in .parquet, got {output!r}; rename it", field="--output")
            rows, notes = write_log(output, source.records(), lambda: source.survey.catalogue), []
        else:
            if output.endswith(".parquet"):
                raise InvalidInput(f"expected a name for lines of JSON, got {output!r}; rename it", field="--output")
            made = DsjsonExport(source, named_numbers(words(objective) or [], "--objective"))
            rows = write_log(output, made.lines())
            notes = _notes(made)
    console = Console(soft_wrap=True)
    console.print(Text(f"wrote {rows:,} rows to {output}"))
    for note in notes:
        console.print(Text.assemble(("note: ", "yellow"), note))


def _notes(made: DsjsonExport) -> list[str]:
    worth = ", ".join(f"{kind}={value:g}" for kind, value in made.objective.items())
    notes = [f"costs are minus the objective {worth}"]
    if made.skipped:
        notes.append(f"{made.skipped} rows of a mode that is not valued are marked _skipLearn: VW passes over them")
    if made.several:
        notes.append(f"{made.several} rows stand for several decisions (count); VW learns each once")
    return notes
