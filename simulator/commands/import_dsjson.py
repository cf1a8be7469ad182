"""`import dsjson SRC -o LOG`."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.core.errors import InvalidInput
from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import one_of
from simulator.commands.written import say_written
from simulator.importers.dsjson import INACTIVE, DsjsonLog, DsjsonOptions
from simulator.importers.dsjson_arms import ARM_NAMINGS
from simulator.importers.estimated_propensity import ONLY_ESTIMATED, EstimatedPropensity
from simulator.log_writer import write_log

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("dsjson")(import_dsjson)


def import_dsjson(
    source: Annotated[str, typer.Argument(metavar="SRC", help="Lines of dsjson, gzipped or not.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="LOG", help="Where to write the log.")],
    outcome: Annotated[
        str | None,
        typer.Option(metavar="TYPE", help="What a reward is; default click if all are 0 or 1, else purchase."),
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="NAME", help="Context attribute of the user, such as User.id.")
    ] = None,
    hold: Annotated[str | None, typer.Option(metavar="ARM", help="The arm that sends nothing.")] = None,
    arm_name: Annotated[
        str | None, typer.Option(metavar="|".join(ARM_NAMINGS), help="What names an arm; default the first that can.")
    ] = None,
    inactive: Annotated[
        str, typer.Option(metavar="|".join(INACTIVE), help="Decisions deferred and never activated.")
    ] = "shadow",
    thin: Annotated[bool, typer.Option("--thin", help="Drop decisions to one common drop rate (pdrop).")] = False,
    propensity: Annotated[
        str | None, typer.Option(metavar="estimate", help="Estimate propensities where the source has none.")
    ] = None,
    lowest: Annotated[
        float | None, typer.Option("--lowest-propensity", metavar="X", help="Lowest estimate; default 0.001.")
    ] = None,
) -> None:
    """Import a log of Azure Personalizer or another decision service (dsjson)."""
    with errors_become_exits():
        if propensity not in (None, "estimate"):
            raise InvalidInput(
                f"expected estimate, got {propensity!r}; probabilities stand in `p`", field="--propensity"
            )
        if lowest is not None and propensity is None:
            raise InvalidInput(ONLY_ESTIMATED, field="--lowest-propensity")
        options = DsjsonOptions(
            outcome=outcome,
            user=user,
            hold=hold,
            arm_name=None if arm_name is None else one_of(arm_name, ARM_NAMINGS, "--arm-name"),
            inactive=one_of(inactive, INACTIVE, "--inactive"),
            thin=thin,
            estimate=propensity is not None,
        )
        read = DsjsonLog(source, options)
        estimated = EstimatedPropensity.fit(read.records, source, lowest) if options.estimate else None
        records = read.records() if estimated is None else estimated.records()
        rows = write_log(output, records, read.arms)
    say_written(rows, output, [*read.notes(), *(estimated.notes() if estimated else [])])
