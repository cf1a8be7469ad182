"""`lint LOG`: whether a log can be used, and what is odd in it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from simulator.commands.exit_codes import errors_become_exits
from simulator.log import Log
from simulator.log_findings import log_findings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("lint")(lint)


def lint(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Decision log: JSON Lines (also .gz) or Parquet.")],
) -> None:
    """Check LOG against the format; findings leave it usable, errors exit with code 2."""
    with errors_become_exits():
        read = Log.read(log)
        findings = log_findings(read)
    console = Console(soft_wrap=True)
    console.print(Text(f"{log}: {read.decisions:,} decisions in {read.rows:,} rows, {len(read.arms):,} arms"))
    for finding in findings:
        console.print(Text.assemble(("finding: ", "yellow"), finding))
    if not findings:
        console.print(Text("nothing odd found", style="green"))
