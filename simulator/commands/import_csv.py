"""`import csv SRC -o LOG`."""

from __future__ import annotations

from typing import Annotated

import typer

from engine.core.errors import InvalidInput
from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import named_numbers, words
from simulator.commands.written import say_written
from simulator.importers.csv_source import CsvColumns, OutcomeColumn, csv_records, has_column
from simulator.importers.estimated_propensity import ONLY_ESTIMATED, EstimatedPropensity
from simulator.log_writer import write_log

__all__ = ["register"]

#: A value of --propensity, unless a column is called so.
_ESTIMATE = "estimate"


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("csv")(import_csv)


def import_csv(
    source: Annotated[str, typer.Argument(metavar="SRC", help="A CSV file with a header, gzipped or not.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="LOG", help="Where to write the log.")],
    arm: Annotated[str, typer.Option(metavar="COL", help="Column of the arm that was played.")],
    propensity: Annotated[
        str,
        typer.Option(
            metavar="COL|NUMBER|estimate",
            help="Its probability: a column, one number, or an estimate from the context.",
        ),
    ],
    outcome: Annotated[list[str] | None, typer.Option(metavar="TYPE=COL[*NUMBER]", help="Repeatable.")] = None,
    cost: Annotated[list[str] | None, typer.Option(metavar="ARM=NUMBER", help="Cost of an arm; repeatable.")] = None,
    context: Annotated[str | None, typer.Option(metavar="COL,...", help="Columns of context.")] = None,
    user: Annotated[str | None, typer.Option(metavar="COL", help="Column of the user.")] = None,
    decision_id: Annotated[str | None, typer.Option("--id", metavar="COL", help="Column of the decision id.")] = None,
    decided_at: Annotated[str | None, typer.Option("--decided-at", metavar="COL", help="Column of the time.")] = None,
    hold: Annotated[str | None, typer.Option(metavar="ARM", help="The arm that sends nothing.")] = None,
    eligible: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Arms that could be drawn; default all seen.")
    ] = None,
    lowest: Annotated[
        float | None, typer.Option("--lowest-propensity", metavar="X", help="Lowest estimate; default 0.001.")
    ] = None,
) -> None:
    """Import any randomised experiment from a CSV file."""
    with errors_become_exits():
        estimate = propensity == _ESTIMATE and not has_column(source, _ESTIMATE)
        if lowest is not None and not estimate:
            raise InvalidInput(ONLY_ESTIMATED, field="--lowest-propensity")
        columns = CsvColumns(
            arm=arm,
            propensity=None if estimate else propensity,
            outcomes=[OutcomeColumn.parse(text) for text in outcome or []],
            cost=named_numbers(cost or [], "--cost"),
            context=words(context) or [],
            user=user,
            id=decision_id,
            decided_at=decided_at,
            hold=hold,
            eligible=words(eligible) or [],
        )
        estimated = _estimated(source, columns, lowest) if estimate else None
        rows = write_log(output, csv_records(source, columns) if estimated is None else estimated.records())
    notes = [] if user else ["no --user: intervals take decisions as independent"]
    say_written(rows, output, [*notes, *(estimated.notes() if estimated else [])])


def _estimated(source: str, columns: CsvColumns, lowest: float | None) -> EstimatedPropensity:
    return EstimatedPropensity.fit(lambda: csv_records(source, columns), source, lowest)
