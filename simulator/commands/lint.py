"""`lint LOG`: whether a log can be used, and what is odd in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from engine.core.errors import InvalidInput
from simulator.commands.exit_codes import errors_become_exits
from simulator.lint import LINTED, lint_log
from simulator.log import Log
from simulator.report.lint_terminal import print_lint
from simulator.report.write import write_report

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("lint")(lint)


def lint(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Decision log: JSON Lines (also .gz) or Parquet.")],
    snapshots: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Score rows again with the snapshots here (a data folder's snapshots)."),
    ] = None,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the findings as JSON; - for stdout.")] = None,
) -> None:
    """Check LOG: what is odd in it, where, how often, and what to do about it.

    Findings leave a log usable (exit code 0); one that breaks the format ends with code 2.
    """
    with errors_become_exits():
        if snapshots is not None and not snapshots.is_dir():
            raise InvalidInput(f"expected a folder of snapshots, got {snapshots}; check the path", field="--snapshots")
        report = lint_log(Log.scan(log, LINTED), None if snapshots is None else str(snapshots))
        to_stdout = json is not None and str(json) == "-"
        if json is not None:
            write_report(None if to_stdout else json, orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
        if not to_stdout:
            print_lint(report, Console())
