"""`experiment LOG`: what one hashed share of users did against another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.commands.exit_codes import errors_become_exits
from simulator.commands.option_values import words
from simulator.defaults import default_metrics
from simulator.experiment import Comparison, Experiment, Span
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.report.figures import amount
from simulator.report.write import write_report

__all__ = ["register"]

_STYLES = {"trusted": "green", "weak": "yellow", "refused": "red"}


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("experiment")(experiment)


def experiment(
    log: Annotated[str, typer.Argument(metavar="LOG", help="Decision log: JSON Lines (also .gz) or Parquet.")],
    treatment: Annotated[str, typer.Option(metavar="MODE", help="The share in question.")] = "live",
    baseline: Annotated[str, typer.Option(metavar="MODE", help="The share it is held against.")] = "control",
    metric: Annotated[str | None, typer.Option(metavar="M,...", help="Default: those whose outcomes occur.")] = None,
    level: Annotated[float, typer.Option(help="Level of the intervals.")] = 0.95,
    resamples: Annotated[int, typer.Option(metavar="N", help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the resamples.")] = 0,
    margin: Annotated[float, typer.Option(metavar="X", help="Share of revenue that is earned.")] = 1.0,
    json: Annotated[Path | None, typer.Option(metavar="OUT", help="Write the comparison as JSON.")] = None,
) -> None:
    """Compare the users served by the policy with those served uniformly, over the time both were served."""
    with errors_become_exits():
        made = Experiment(
            Log.read(log), treatment, baseline, margin=margin, level=level, resamples=resamples, seed=seed
        )
        facts = LogFacts.of(made.log, cluster=None, reward_max=None)
        keys = words(metric) or [key for key in default_metrics(facts, {}) if key != "incremental_roi"]
        comparisons = made.compare(keys)
        if json is not None:
            body = {"treatment": treatment, "baseline": baseline, "metrics": [c.to_json() for c in comparisons]}
            write_report(json, orjson.dumps(body, option=orjson.OPT_INDENT_2))
    _print(made, comparisons, level)


def _print(made: Experiment, comparisons: list[Comparison], level: float) -> None:
    console = Console(width=100)
    sizes = " · ".join(
        f"{mode}: {made.decisions(mode):,} decisions, {made.users(mode):,.0f} users"
        for mode in (made.treatment, made.baseline)
    )
    console.print(Text.assemble(("Experiment ", "bold"), sizes, f" · {level:.0%} intervals by user"))
    table = Table(box=None, pad_edge=False)
    for name in ("metric", made.treatment, made.baseline, "lift", "verdict"):
        table.add_column(name, justify="left" if name in ("metric", "verdict") else "right")
    for comparison in comparisons:
        share = comparison.metric.share
        verdict = comparison.verdict.value
        table.add_row(
            comparison.metric.key,
            _span(comparison.treatment, share),
            _span(comparison.baseline, share),
            _lift(comparison.lift),
            Text(verdict, style=_STYLES[verdict]),
        )
    console.print(table)
    for comparison in comparisons:
        if comparison.reasons:
            console.print(Text(f"· {comparison.metric.key}: {'; '.join(comparison.reasons)}", style="dim"))


def _span(span: Span, share: bool) -> str:
    if span.low is None or span.high is None:
        return amount(span.value, share)
    low, high = amount(span.low, share).removesuffix(" %"), amount(span.high, share).removesuffix(" %")
    return f"{amount(span.value, share)} [{low}, {high}]"


def _lift(span: Span) -> str:
    if span.value is None:
        return "–"
    if span.low is None or span.high is None:
        return f"{span.value:+.0%}"
    return f"{span.value:+.0%} [{span.low:+.0%}, {span.high:+.0%}]"
