"""Prints a plan so that it can be read in a terminal of 100 columns."""

from __future__ import annotations

from math import ceil

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.planning.plan_report import Plan
from simulator.planning.summary import amount_of, waiting
from simulator.report.figures import amount, size
from simulator.report.ranking import metric_named
from simulator.report.short_spec import short_spec

__all__ = ["print_plan"]

_WIDTH = 100
_STYLES = {"trusted": "green", "weak": "yellow", "refused": "red"}


def print_plan(plan: Plan, title: str, console: Console) -> None:
    """Print the whole plan: traffic, verdicts, lifts, floors, and the sentence that sums it up."""
    console.width = min(console.width, _WIDTH) if console.is_terminal else _WIDTH
    traffic, shown = plan.traffic, metric_named(plan.metric)
    decisions = f" and {traffic.decisions:,.0f} decisions" if traffic.unit == "day" else ""
    console.print()
    console.print(Text.assemble(("Plan for ", "bold"), (title, "bold cyan"), f" · {plan.metric}, {shown.label}"))
    console.print(
        Text(
            f"{traffic.users:,.0f} new users{decisions} per {traffic.unit}; so far {traffic.seen:,.0f} users over "
            f"{amount_of(traffic.span, traffic.unit)}"
        )
    )
    console.print()
    console.print(_verdicts(plan, shown.share))
    console.print(_lifts(plan))
    if any(policy.floors for policy in plan.policies):
        console.print(_floors(plan))
    reasons: dict[str, list[str]] = {}
    for policy in plan.policies:
        for what, wait in (("trusted", policy.until_trusted), ("a lift", policy.until_detected)):
            if wait is not None and wait.units is None and wait.reason:
                reasons.setdefault(f"{wait.reason}", []).append(f"{short_spec(policy.policy)} ({what})")
    for reason, policies in reasons.items():
        console.print(Padding(Text(f"never: {', '.join(policies)}: {reason}"), (0, 0, 0, 1)))
    for note in plan.notes:
        console.print(Padding(Text(f"· {note}", style="dim"), (0, 0, 0, 1)))
    console.print()
    console.print(Text(plan.summary, style="bold"))


def _table(title: str, note: str, columns: tuple[str, ...]) -> Table:
    heading = Text.assemble((title, "bold"), ("  " + note, "dim"))
    table = Table(title=heading, title_justify="left", box=None, width=_WIDTH, padding=(0, 1), header_style="dim")
    for place, name in enumerate(columns):
        table.add_column(name, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _verdicts(plan: Plan, share: bool) -> Table:
    per = "a day" if plan.traffic.unit == "day" else "per 1,000"
    table = _table(
        "verdict",
        f"effective users and rewarded users today (+ {per}), and what a verdict still takes",
        ("policy", "today", "value", "users", "rewarded", "weak", "trusted"),
    )
    for one in plan.policies:
        name = one.verdict.name.value
        value = amount(one.value.value, share)
        if one.half_width is not None:
            value += f" ± {amount(one.half_width, share).removesuffix(' %')}"
        table.add_row(
            Text(short_spec(one.policy)),
            Text(name, style=_STYLES[name]),
            value,
            f"{size(one.user_ess)} (+{size(one.user_ess_per_unit)})",
            f"{size(one.reward_ess)} (+{size(one.reward_ess_per_unit)})",
            waiting(one.until_weak, plan.traffic.unit),
            waiting(one.until_trusted, plan.traffic.unit),
        )
    return table


def _lifts(plan: Plan) -> Table:
    unit = plan.traffic.unit
    horizons = next((list(one.smallest_lift) for one in plan.policies if one.smallest_lift), [])
    named = tuple("now" if units == 0 else f"+{amount_of(units, unit).split(' dec')[0]}" for units in horizons)
    table = _table(
        "smallest lift on logged",
        f"found with {plan.power:.0%} power at {plan.level:.0%} ({plan.estimator}, paired)",
        ("policy", *named, f"{plan.lift:.0%} found"),
    )
    for one in plan.policies:
        if one.until_detected is not None:
            lifts = ("–" if lift is None else f"{lift:.1%}" for lift in one.smallest_lift.values())
            table.add_row(Text(short_spec(one.policy)), *lifts, waiting(one.until_detected, unit))
    return table


def _floors(plan: Plan) -> Table:
    """Show for each policy when each floor would have led to trusted, and what the floor costs."""
    candidates = next(policy.floors for policy in plan.policies if policy.floors)
    unit = "days" if plan.traffic.unit == "day" else "thousands"
    table = _table(
        "exploration floor",
        f"{unit} in all until trusted, had it been the floor (logged: {plan.logged_floor:.1%})",
        ("policy", *(f"{floor.floor:.0%}" for floor in candidates)),
    )
    for policy in plan.policies:
        if policy.floors:
            cells = ("never" if one.trusted_after is None else f"{ceil(one.trusted_after):,}" for one in policy.floors)
            table.add_row(Text(short_spec(policy.policy)), *cells)
    changes = ("–" if one.logged_change is None else f"{one.logged_change:+.1%}" for one in candidates)
    table.add_row(Text("logged value would be", style="dim"), *(Text(change, style="dim") for change in changes))
    return table
