"""Writes a budget curve as one HTML file: no script, nothing fetched, fit for a phone and for print."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.resources import files

from simulator.budget.budget_report import SIMULATED, Budget, BudgetPoint
from simulator.budget.summary import reasons_apart, signed, totals
from simulator.pareto import Pareto, ParetoPoint
from simulator.report.budget_svg import budget_svg
from simulator.report.figures import amount, size, spread
from simulator.report.pareto_svg import pareto_svg
from simulator.report.replay_report import CAVEAT

__all__ = ["budget_html", "budget_pareto"]


def budget_html(budget: Budget, title: str) -> str:
    """Write the whole page.

    Args:
        budget: The curve.
        title: Name of the log.
    """
    style = files("simulator.report").joinpath("style.css").read_text(encoding="utf-8")
    body = "\n".join(_page(budget, title))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Budget of {escape(budget.channel)}</title>\n<style>\n{style}</style></head>\n<body>\n{body}\n"
        "</body></html>\n"
    )


def budget_pareto(budget: Budget) -> Pareto:
    """Place the re-priced policies by profit and sends; those that the log cannot tell of are left out."""
    points = [
        ParetoPoint(f"{point.change:+.0%} {budget.channel} money", point.sends, point.profit, point.verdict.name)
        for point in budget.points
        if point.supported
    ]
    return Pareto.of(points, "send_rate", "profit")


def _page(budget: Budget, title: str) -> Iterator[str]:
    yield f"<h1>Money on {escape(budget.channel)}</h1>"
    yield f'<p class="soft">{escape(title)} · {budget.decisions:,} decisions · {budget.estimator}</p>'
    yield f"<p><b>{escape(budget.summary)}</b></p>"
    yield f'<p class="caveat">{escape(CAVEAT)}</p>'
    yield "<h2>What more, or less, would have earned</h2>"
    yield budget_svg(budget)
    yield from _table(budget)
    drawn = pareto_svg(budget_pareto(budget))
    if drawn:
        yield "<h2>Profit against sends</h2>"
        yield drawn
    yield (
        "<h2>Notes</h2><ul>" + "".join(f"<li>{escape(note)}</li>" for note in budget.notes if note != CAVEAT) + "</ul>"
    )


def _table(budget: Budget) -> Iterator[str]:
    columns = (
        "spend",
        "verdict",
        "spent",
        "change of profit",
        "profit / decision",
        "sends",
        "users",
        "rewarded",
        "difference",
    )
    yield '<div class="scroll"><table><tr>' + "".join(f"<th>{column}</th>" for column in columns) + "</tr>"
    for point in budget.points:
        yield "<tr>" + "".join(f"<td>{cell}</td>" for cell in _cells(point, budget.decisions)) + "</tr>"
    yield "</table></div>"
    yield (
        '<p class="soft">Effective users; effective rewarded users of the policy, and of its difference to the log.</p>'
    )
    told = [f"<li>{', '.join(changes)}: {escape(reason)}</li>" for reason, changes in reasons_apart(budget).items()]
    if told:
        yield "<ul>" + "".join(told) + "</ul>"


def _cells(point: BudgetPoint, decisions: int) -> list[str]:
    name, seen = point.verdict.name.value, None if point.report is None else point.report.diagnostics
    gain = escape(totals(point.gain, decisions))
    if not point.supported:
        said = "–" if point.simulated is None else f"{signed(decisions * point.simulated)} ({SIMULATED})"
        gain = f'<span class="soft">{escape(said)}</span>'
    spent = "–" if point.spend.value is None else amount(decisions * point.spend.value, False)
    return [
        f"{point.change:+.0%}",
        f'<span class="{name}">{name}</span>',
        spent,
        gain,
        escape(spread(point.profit, False)) if point.supported else "–",
        escape(amount(point.sends.value, True)) if point.supported else "–",
        "–" if seen is None else size(seen.user_ess),
        "–" if seen is None else size(seen.reward_ess),
        "–" if point.gain_ess is None else size(point.gain_ess),
    ]
