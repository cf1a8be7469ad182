"""`sweep LOG --space FILE`: try many settings and policies, and say whether one is better than today's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console

from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import horizons, named_numbers, one_of, words
from simulator.replay_settings import ReplaySettings
from simulator.report.sweep_html import sweep_html
from simulator.report.sweep_terminal import print_sweep
from simulator.report.write import write_report
from simulator.sweep.run import ENGINES
from simulator.sweep.run import sweep as swept
from simulator.thresholds import Thresholds

__all__ = ["register"]

_LONGEST = 90


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("sweep")(sweep)


def sweep(
    log: Annotated[
        list[str], typer.Argument(metavar="LOG...", help="Decision log: a file, several of one log, or their folder.")
    ],
    space: Annotated[Path, typer.Option(metavar="FILE", help="What to try; see examples/sweep.toml.")],
    campaign: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The campaign whose log this is; needed to promote the winner.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keeps what was found, to go on after a stop, and the winner's snapshot."),
    ] = None,
    engine: Annotated[str, typer.Option(metavar="NAME", help=f"{' or '.join(ENGINES)}.")] = "local",
    metric: Annotated[
        str | None, typer.Option(metavar="M", help="Default: the space's, the campaign's objective, or as in replay.")
    ] = None,
    estimator: Annotated[str, typer.Option(metavar="E", help="dr, snips, ips and others that are sums.")] = "dr",
    objective: Annotated[str, typer.Option(help='Such as "click=0,purchase=0.3,refund=-0.3,cost=-1".')] = "",
    delay: Annotated[
        str | None, typer.Option(metavar="D", help="How long outcomes count: 7d, or click=1h,purchase=7d.")
    ] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(metavar="N", help="Bootstrap resamples.")] = 1000,
    cluster: Annotated[str | None, typer.Option(metavar="COLUMN", help="Cluster by this instead of user.")] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of resamples and folds.")] = 0,
    reward_max: Annotated[float | None, typer.Option(metavar="X", help="Cut off revenue here.")] = None,
    margin: Annotated[float, typer.Option(metavar="X", help="Share of revenue that is earned.")] = 1.0,
    thresholds: Annotated[str | None, typer.Option(metavar="FILE", help="TOML of verdict limits.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the result as JSON; - for stdout.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the result as one HTML file.")] = None,
) -> None:
    """Try many settings and policies on LOG, and say whether one is better than today's policy.

    Candidates learn from the log's first part, are chosen among on its second, and the one that was chosen is valued
    on its third, which had no part in the choice.
    """
    with errors_become_exits():
        settings = ReplaySettings(
            objective=named_numbers(words(objective) or [], "--objective"),
            horizons=horizons(delay, "--delay"),
            interval="bootstrap_t",
            level=level,
            resamples=resamples,
            cluster=cluster,
            seed=seed,
            reward_max=reward_max,
            margin=margin,
            thresholds=Thresholds.read(thresholds) if thresholds is not None else Thresholds(),
        )
        watched = Console(stderr=True)
        with watched.status("looking over the log") as status:
            report = swept(
                log,
                space,
                campaign=campaign,
                metric=metric,
                estimator=estimator,
                engine=one_of(engine, ENGINES, "--engine"),
                out=out,
                settings=settings,
                progress=lambda done: status.update(done[:_LONGEST]),
            )
        title = log[0] if len(log) == 1 else f"{len(log)} files"
        to_stdout = json is not None and str(json) == "-"
        if json is not None:
            write_report(None if to_stdout else json, orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2))
        if html is not None:
            write_report(html, sweep_html(report, title).encode())
        if not to_stdout:
            print_sweep(report, title, Console())
