"""How a measurement of profiles is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from engine.profiles.evaluation.evaluate import Evaluation
    from engine.profiles.evaluation.report import Measured


def print_evaluation(measured: Measured, console: Console) -> None:
    """Tables of all rankers, repeats included and novel only."""
    settings = measured.settings
    console.print(
        f"{measured.events:,} events; settings {measured.chosen}: half-life {settings.half_life_days:g} days, α"
        f" {settings.alpha:g}, regularization {settings.regularization:g}, content share {settings.content_share:g},"
        f" sharpness {settings.sharpness:g} (novel {settings.novel_sharpness:g}), repeat {settings.repeat:g}"
    )
    console.print(f"foreseen: purchases from {measured.start:%Y-%m-%d %H:%M}Z to {measured.end:%Y-%m-%d %H:%M}Z")
    for title, evaluation in (("repeats included", measured.repeats), ("novel only", measured.novel)):
        if evaluation.shoppers:
            console.print(_table(title, evaluation))
        else:
            console.print(f"{title}: nobody bought one of the {evaluation.candidates:,} candidates")


def _table(title: str, evaluation: Evaluation) -> Table:
    caption = f"{title}: {evaluation.shoppers:,} shoppers, {evaluation.candidates:,} candidates"
    table = Table(title=caption, title_justify="left")
    for name in ("ranker", "Hit@10", "NDCG@10", "NDCG − popularity", "NDCG − personal"):
        table.add_column(name, no_wrap=name == "ranker")
    intervals = evaluation.table()
    for name in evaluation.ranked:
        row = [name]
        row += [_cell(intervals[name, metric], "") for metric in ("hit@10", "ndcg@10")]
        row += [
            "" if name == other else _cell(evaluation.difference(name, other)["ndcg@10"], "+")
            for other in ("popularity", "personal")
        ]
        table.add_row(*row)
    return table


def _cell(found: object, sign: str) -> str:
    value, low, high = (getattr(found, name) for name in ("value", "low", "high"))
    return f"{value:{sign}.4f} [{low:{sign}.4f}, {high:{sign}.4f}]"
