"""`replay LOG`: what policies would have earned on the decisions of a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from simulator.commands.exit_codes import REFUSED, errors_become_exits
from simulator.commands.option_values import horizons, moment, named_numbers, words
from simulator.defaults import DEFAULT_ESTIMATORS
from simulator.estimators import ESTIMATORS
from simulator.evaluate import evaluate
from simulator.intervals import INTERVALS
from simulator.log import Log
from simulator.replay_settings import ReplaySettings, named_columns
from simulator.report.drawings import drawings
from simulator.report.html import html_report
from simulator.report.replay_report import ReplayReport
from simulator.report.terminal import print_report
from simulator.report.write import write_report
from simulator.reward_models import MODELS
from simulator.thresholds import Thresholds

__all__ = ["register"]

_SPECS = (
    "logged, uniform, constant:ARM, best_constant, snapshot:PATH, vw:'OPTIONS', file:PATH, python:module:object, "
    "frequency:LOG, repriced:CHANNEL:STRENGTH, holding:SHARE:SPEC"
)

_ESTIMATORS = (
    f"{', '.join(ESTIMATORS)}. Default: {','.join(DEFAULT_ESTIMATORS)}, and bipw where propensities are estimated."
)


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("replay")(replay)


def replay(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Decision log: JSON Lines (also .gz) or Parquet.")],
    policy: Annotated[list[str] | None, typer.Option(metavar="SPEC", help=f"Repeatable: {_SPECS}.")] = None,
    metric: Annotated[str | None, typer.Option(metavar="M,...", help="Default: those whose outcomes occur.")] = None,
    estimator: Annotated[str | None, typer.Option(metavar="E,...", help=_ESTIMATORS)] = None,
    objective: Annotated[str, typer.Option(help='Such as "click=0,purchase=0.3,refund=-0.3,cost=-1".')] = "",
    split: Annotated[
        str, typer.Option(metavar="HOW", help="progressive, user, a share or a time: what choices and vw: learn on.")
    ] = "progressive",
    delay: Annotated[
        str | None,
        typer.Option(metavar="D", help="How long outcomes count: 7d, or click=1h,purchase=7d."),
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="T", help="Use nothing after this time.")] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="T", help="Only decisions from this time on.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="T", help="Only decisions before this time.")] = None,
    where: Annotated[str | None, typer.Option(metavar="EXPR", help="SQL condition on context columns.")] = None,
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Break the report down by a column.")] = None,
    interval: Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(INTERVALS)}.")] = "bootstrap_t",
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(metavar="N", help="Bootstrap resamples.")] = 1000,
    cluster: Annotated[str | None, typer.Option(metavar="COLUMN", help="Cluster by this instead of user.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of resamples and folds.")] = 0,
    reward_max: Annotated[
        float | None, typer.Option(metavar="X", help="Cut off the revenue of a decision here.")
    ] = None,
    floor: Annotated[
        float | None, typer.Option(metavar="X", help="Least propensity of any eligible arm, as declared.")
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help=f"Reward model: {', '.join(MODELS)}.")] = "ridge",
    fit: Annotated[str, typer.Option(metavar="HOW", help="What it learns from: users or past.")] = "users",
    margin: Annotated[float, typer.Option(metavar="X", help="Share of revenue that is earned.")] = 1.0,
    thresholds: Annotated[str | None, typer.Option(metavar="FILE", help="TOML of verdict limits.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the report as JSON; - for stdout.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the report as one HTML file.")] = None,
    require_verdict: Annotated[bool, typer.Option("--require-verdict", help="Exit 3 if a verdict is refused.")] = False,
) -> None:
    """Say what policies would have earned on the decisions of LOG, and whether the log can tell.

    One-step counterfactual: earlier decisions, caps and budget prices stay as they were logged.
    """
    with errors_become_exits():
        settings = ReplaySettings(
            objective=named_numbers(words(objective) or [], "--objective"),
            split=split,
            horizons=horizons(delay, "--delay"),
            as_of=moment(as_of, "--as-of"),
            start=moment(start, "--from"),
            end=moment(end, "--to"),
            where=where,
            by=by,
            interval=interval,
            level=level,
            resamples=resamples,
            cluster=cluster,
            seed=seed,
            reward_max=reward_max,
            floor=floor,
            model=model,
            fit=fit,
            margin=margin,
            pictures=html is not None,
            thresholds=Thresholds() if thresholds is None else Thresholds.read(thresholds),
        )
        report = _evaluated(log, policy, metric, estimator, settings)
        _tell(report, log, json, html)
    if require_verdict and report.refused:
        raise typer.Exit(REFUSED)


def _evaluated(
    log: str, policies: list[str] | None, metrics: str | None, estimators: str | None, settings: ReplaySettings
) -> ReplayReport:
    return evaluate(
        Log.scan(log, named_columns(settings)),
        policies=policies,
        metrics=words(metrics),
        estimators=words(estimators),
        settings=settings,
    )


def _tell(report: ReplayReport, log: str, json: Path | None, html: Path | None) -> None:
    """Write the report wherever it was asked for, and to the terminal unless the JSON goes there."""
    to_stdout = json is not None and str(json) == "-"
    if json is not None:
        write_report(None if to_stdout else json, orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
    if html is not None:
        write_report(html, html_report(report, log, drawings(report)).encode())
    if not to_stdout:
        print_report(report, log, Console())
