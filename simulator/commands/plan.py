"""`plan LOG`: how much traffic, or which exploration floor, a verdict takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import horizons, moment, named_numbers, number, words
from simulator.log import Log
from simulator.planning.plan import DEFAULT_FLOORS
from simulator.planning.plan import plan as planned
from simulator.replay_settings import ReplaySettings
from simulator.report.plan_terminal import print_plan
from simulator.report.write import write_report
from simulator.thresholds import Thresholds

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("plan")(plan)


def plan(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Decision log: JSON Lines (also .gz) or Parquet.")],
    policy: Annotated[list[str] | None, typer.Option(metavar="SPEC", help="Repeatable; as in replay.")] = None,
    metric: Annotated[str | None, typer.Option(metavar="M", help="Default: the one that ranks policies.")] = None,
    estimator: Annotated[str, typer.Option(metavar="E", help="Whose paired variance counts: dr, snips, ips.")] = "dr",
    lift: Annotated[float, typer.Option(metavar="X", help="Relative lift on logged that is to be found.")] = 0.05,
    power: Annotated[float, typer.Option(metavar="X", help="Probability of finding it.")] = 0.8,
    level: Annotated[float, typer.Option(metavar="X", help="Level of tests and intervals.")] = 0.95,
    within: Annotated[
        float, typer.Option(metavar="DAYS", help="Time for a floor to lead to trusted; 1,000 decisions without times.")
    ] = 14.0,
    floor: Annotated[str, typer.Option(metavar="F,...", help="Candidate exploration floors.")] = ",".join(
        map(str, DEFAULT_FLOORS)
    ),
    logged_floor: Annotated[
        float | None, typer.Option(metavar="F", help="The log's own floor; default: read off its probabilities.")
    ] = None,
    objective: Annotated[str, typer.Option(help='Such as "click=0,purchase=0.3,refund=-0.3,cost=-1".')] = "",
    split: Annotated[str, typer.Option(metavar="HOW", help="user, a share, or a time.")] = "user",
    delay: Annotated[str | None, typer.Option(metavar="D", help="Leave out decisions younger than this.")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="T", help="Only decisions from this time on.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Only decisions before this time.")] = None,
    where: Annotated[str | None, typer.Option(metavar="EXPR", help="SQL condition on context columns.")] = None,
    cluster: Annotated[str | None, typer.Option(metavar="COLUMN", help="Cluster by this instead of user.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of folds.")] = 0,
    reward_max: Annotated[float | None, typer.Option(metavar="X", help="Cut off revenue here.")] = None,
    margin: Annotated[float, typer.Option(metavar="X", help="Share of revenue that is earned.")] = 1.0,
    thresholds: Annotated[str | None, typer.Option(metavar="FILE", help="TOML of verdict limits.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the plan as JSON; - for stdout.")] = None,
) -> None:
    """Say how much more traffic a verdict takes, which lift is found when, and what another floor would have given."""
    with errors_become_exits():
        settings = ReplaySettings(
            objective=named_numbers(words(objective) or [], "--objective"),
            split=split,
            horizons=horizons(delay, "--delay"),
            start=moment(start, "--from"),
            end=moment(end, "--to"),
            where=where,
            interval="delta",
            level=level,
            cluster=cluster,
            seed=seed,
            reward_max=reward_max,
            margin=margin,
            thresholds=Thresholds.read(thresholds) if thresholds is not None else Thresholds(),
        )
        made = planned(
            Log.read(log),
            policies=policy,
            metric=metric,
            estimator=estimator,
            lift=lift,
            power=power,
            within=within,
            floors=[number(word, "--floor") for word in words(floor) or []],
            logged_floor=logged_floor,
            settings=settings,
        )
        to_stdout = json is not None and str(json) == "-"
        if json is not None:
            write_report(None if to_stdout else json, orjson.dumps(made.to_json(), option=orjson.OPT_INDENT_2))
        if not to_stdout:
            print_plan(made, log, Console())
