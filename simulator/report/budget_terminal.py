"""Prints a budget curve so that it can be read in a terminal of 100 columns."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.budget.budget_report import SIMULATED, Budget, BudgetPoint
from simulator.budget.summary import reasons_apart, signed, totals
from simulator.report.figures import amount, size

__all__ = ["print_budget"]

_WIDTH = 100
_STYLES = {"trusted": "green", "weak": "yellow", "refused": "red"}


def print_budget(budget: Budget, title: str, console: Console) -> None:
    """Print the curve, what the next unit of money earns, reasons, caveats and the summary."""
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    spent = amount(budget.decisions * budget.spent, False)
    console.print()
    console.print(
        Text.assemble(
            ("Budget of ", "bold"),
            (budget.channel, "bold cyan"),
            f" in {title} · {budget.decisions:,} decisions · {spent} spent on it",
        )
    )
    console.print()
    table = Table(box=None, width=_WIDTH, padding=(0, 1), header_style="dim")
    for place, name in enumerate(
        ("spend", "verdict", "spent", "change of profit", "sends", "users", "rewarded", "difference")
    ):
        table.add_column(name, justify="left" if place == 1 else "right", no_wrap=True)
    for point in budget.points:
        table.add_row(*_cells(point, budget.decisions))
    console.print(table)
    for reason, changes in reasons_apart(budget).items():
        console.print(Padding(Text(f"{', '.join(changes)}: {reason}"), (0, 0, 0, 1)))
    for note in budget.notes:
        console.print(Padding(Text(f"· {note}", style="dim"), (0, 0, 0, 1)))
    console.print()
    console.print(Text(budget.summary, style="bold"))


def _cells(point: BudgetPoint, decisions: int) -> tuple[Text | str, ...]:
    name, seen = point.verdict.name.value, None if point.report is None else point.report.diagnostics
    gain = Text(totals(point.gain, decisions))
    if not point.supported:
        said = "–" if point.simulated is None else f"{signed(decisions * point.simulated)} {SIMULATED}"
        gain = Text(said, style="dim")
    return (
        f"{point.change:+.0%}",
        Text(name, style=_STYLES[name]),
        "–" if point.spend.value is None else amount(decisions * point.spend.value, False),
        gain,
        amount(point.sends.value, True) if point.supported else "–",
        "–" if seen is None else size(seen.user_ess),
        "–" if seen is None else size(seen.reward_ess),
        "–" if point.gain_ess is None else size(point.gain_ess),
    )
