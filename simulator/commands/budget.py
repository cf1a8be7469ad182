"""`budget LOG --channel C`: what more, or less, money on a channel would have earned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from simulator.budget.budget import DEFAULT_CHANGES
from simulator.budget.budget import budget as drawn
from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import horizons, moment, number, words
from simulator.log import Log
from simulator.replay_settings import ReplaySettings
from simulator.report.budget_html import budget_html
from simulator.report.budget_terminal import print_budget
from simulator.report.write import write_report
from simulator.thresholds import Thresholds

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("budget")(budget)


def budget(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Decision log: JSON Lines (also .gz) or Parquet.")],
    channel: Annotated[str, typer.Option(metavar="C", help="Whose money.")],
    change: Annotated[
        str, typer.Option(metavar="X,...", help="Changes of spend as shares; 0.2 is 20 % more.")
    ] = ",".join(map(str, DEFAULT_CHANGES)),
    estimator: Annotated[str, typer.Option(metavar="E", help="snips, ips, dr.")] = "snips",
    delay: Annotated[str | None, typer.Option(metavar="D", help="Leave out decisions younger than this.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="T", help="Use nothing after this time.")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="T", help="Only decisions from this time on.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Only decisions before this time.")] = None,
    where: Annotated[str | None, typer.Option(metavar="EXPR", help="SQL condition on context columns.")] = None,
    interval: Annotated[str, typer.Option(metavar="NAME", help="As in replay.")] = "bootstrap_t",
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(metavar="N", help="Bootstrap resamples.")] = 1000,
    cluster: Annotated[str | None, typer.Option(metavar="COLUMN", help="Cluster by this instead of user.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of resamples and folds.")] = 0,
    reward_max: Annotated[float | None, typer.Option(metavar="X", help="Cut off revenue here.")] = None,
    margin: Annotated[float, typer.Option(metavar="X", help="Share of revenue that is earned.")] = 1.0,
    thresholds: Annotated[str | None, typer.Option(metavar="FILE", help="TOML of verdict limits.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the curve as JSON; - for stdout.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the picture as one HTML file.")] = None,
) -> None:
    """Say what more, or less, money on a channel would have earned, as far as the log can tell.

    One-step counterfactual: earlier decisions, caps and budget prices stay as they were logged.
    """
    with errors_become_exits():
        settings = ReplaySettings(
            horizons=horizons(delay, "--delay"),
            as_of=moment(as_of, "--as-of"),
            start=moment(start, "--from"),
            end=moment(end, "--to"),
            where=where,
            interval=interval,
            level=level,
            resamples=resamples,
            cluster=cluster,
            seed=seed,
            reward_max=reward_max,
            margin=margin,
            thresholds=Thresholds.read(thresholds) if thresholds is not None else Thresholds(),
        )
        changes = [number(word, "--change") for word in words(change) or []]
        made = drawn(Log.read(log), channel, changes=changes, estimator=estimator, settings=settings)
        to_stdout = json is not None and str(json) == "-"
        if json is not None:
            write_report(None if to_stdout else json, orjson.dumps(made.to_json(), option=orjson.OPT_INDENT_2))
        if html is not None:
            write_report(html, budget_html(made, log).encode())
        if not to_stdout:
            print_budget(made, log, Console())
