"""Says a budget curve in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.budget.budget_report import RESTS_ON, SIMULATED, Budget, BudgetPoint, Marginal
from simulator.report.figures import amount
from simulator.report.replay_report import Estimate

__all__ = ["reasons_apart", "signed", "summary", "totals"]

_USUAL = 0.2
_IN_TABLES = ("user_ess", "reward_ess", RESTS_ON)


def totals(estimate: Estimate, decisions: int) -> str:
    """Write an amount of money over all decisions, with its interval and sign.

    >>> totals(Estimate(0.5, 0.25, 0.75, 0.95, "delta"), 100)
    '+50 [+25, +75]'
    """
    if estimate.value is None:
        return "–"
    text = signed(decisions * estimate.value)
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{signed(decisions * estimate.low)}, {signed(decisions * estimate.high)}]"


def signed(value: float) -> str:
    """Write an amount with its sign.

    >>> signed(-3.14159), signed(12345.6)
    ('-3.142', '+12,346')
    """
    return ("+" if value > 0 else "") + amount(value, share=False)


def reasons_apart(budget: Budget) -> dict[str, list[str]]:
    """Give each reason the changes of spend that it holds for; effective sizes, which stand in tables, are left out."""
    together: dict[str, list[str]] = {}
    for point in budget.points:
        for reason in point.verdict.reasons:
            if not reason.startswith(_IN_TABLES):
                together.setdefault(reason, []).append(f"{point.change:+.0%}")
    return together


def summary(channel: str, points: Sequence[BudgetPoint], marginal: Marginal, decisions: int) -> str:
    """Speak of the change of spend nearest to +20 %, and of the next unit of money."""
    point = min((one for one in points if one.change != 0.0), key=lambda one: abs(one.change - _USUAL), default=None)
    sentences = [] if point is None else [_spent(channel, point, decisions)]
    return " ".join([*sentences, _next(channel, marginal)])


def _spent(channel: str, point: BudgetPoint, decisions: int) -> str:
    what = f"{abs(point.change):.0%} {'more' if point.change > 0 else 'less'} {channel} money"
    if point.supported:
        earned = totals(point.gain, decisions)
        return (
            f"{what} would have changed profit by {earned} over {decisions:,} decisions ({point.verdict.name.value})."
        )
    model = ""
    if point.simulated is not None:
        model = f"; the reward model says {signed(decisions * point.simulated)} ({SIMULATED})"
    return f"What {what} would have earned the log cannot tell ({point.verdict.reasons[-1]}){model}."


def _next(channel: str, marginal: Marginal) -> str:
    if marginal.value is None or marginal.low is None or marginal.high is None:
        return f"The next unit of {channel} money: {'; '.join(marginal.reasons)}."
    interval = f"[{amount(marginal.low, False)}, {amount(marginal.high, False)}]"
    return (
        f"The next unit of {channel} money earns {amount(marginal.value, False)} {interval} of profit beyond itself "
        f"({marginal.verdict.value})."
    )
