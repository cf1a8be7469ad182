"""Prints what a simulation showed."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from simulator.shop.clustered_mean import ClusteredMean
from simulator.shop.simulated import Simulated

__all__ = ["print_simulated"]


def print_simulated(run: Simulated, console: Console) -> None:
    """Print the rewards beside each other, with intervals, and what they mean."""
    modes = ", ".join(f"{count:,} {mode}" for mode, count in run.modes.items())
    console.print()
    console.print(Text.assemble(("Simulated ", "bold"), (run.scenario, "bold cyan"), f", seed {run.seed}"))
    console.print(
        Text(f"{run.decisions:,} decisions ({modes}) · {run.users:,} shoppers · {run.arms} arms")
        + Text(f" · {run.snapshots} snapshots served", style="dim")
    )
    console.print()
    console.print(_rewards(run))
    for line in _reading(run):
        console.print(line)


def _rewards(run: Simulated) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Reward per decision")
    table.add_column("value", justify="right")
    table.add_column("95 % interval", justify="right", style="dim")
    table.add_column("source", style="dim")
    for name, mean, source in (
        ("oracle: best arm for each shopper", run.oracle, "known truth"),
        (f"best fixed arm: {run.best_fixed_arm}", run.best_fixed, "known truth"),
        ("live policy, learning included", run.live, "known truth"),
        ("uniform over eligible arms", run.uniform, "known truth"),
        ("live policy", run.realised_live, "reported outcomes"),
        ("control share (uniform)", run.realised_control, "reported outcomes"),
    ):
        table.add_row(name, figure(mean.value), interval(mean), source)
    return table


def _reading(run: Simulated) -> list[Text]:
    parts = "  ".join("–" if part is None else f"{part:.0%}" for part in run.live_by_time)
    return [
        Text(),
        _line("live − uniform", run.lift, "paired, known truth"),
        _line("live − best fixed arm", run.lift_on_best_fixed, "paired, known truth"),
        _line("live − control", run.realised_lift, "reported outcomes, as without known truth"),
        Text(f"of the way from uniform to the oracle: {share(run.captured)} overall; by fifths of the run: {parts}"),
    ]


def _line(name: str, mean: ClusteredMean, source: str) -> Text:
    clear = mean.low is not None and mean.high is not None and (mean.low > 0 or mean.high < 0)
    style = ("green" if (mean.value or 0) > 0 else "red") if clear else "yellow"
    verdict = "clear" if clear else "no clear difference"
    return Text.assemble(
        f"{name}: ", (signed(mean.value), style), f" {interval(mean)} {verdict} ", (f"({source})", "dim")
    )


def figure(value: float | None) -> str:
    """Four significant digits, or a dash."""
    return "–" if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    """The same with its sign."""
    return "–" if value is None else f"{value:+.4g}"


def share(value: float | None) -> str:
    """Per cent, or a dash."""
    return "–" if value is None else f"{value:.0%}"


def interval(mean: ClusteredMean) -> str:
    """Bounds in brackets."""
    return "" if mean.low is None or mean.high is None else f"[{mean.low:.4g}, {mean.high:.4g}]"
