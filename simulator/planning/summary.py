"""Says a plan in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from simulator.planning.plan_report import PolicyPlan, Wait
from simulator.planning.traffic import Traffic

__all__ = ["amount_of", "summary", "waiting"]


def amount_of(units: float, unit: str) -> str:
    """Write an amount of traffic, rounded up.

    >>> amount_of(0.2, "day"), amount_of(3.4, "day"), amount_of(3.4, "1,000 decisions")
    ('1 day', '4 days', '4,000 decisions')
    """
    whole = ceil(units - 1e-9)
    if unit == "day":
        return f"{whole:,} day" + ("" if whole == 1 else "s")
    return f"{1000 * whole:,} decisions"


def waiting(wait: Wait | None, unit: str) -> str:
    """Write a wait for a table.

    >>> waiting(Wait(0.0), "day"), waiting(Wait(None, "why"), "day"), waiting(None, "day")
    ('now', 'never', '–')
    """
    if wait is None:
        return "–"
    if wait.units is None:
        return "never"
    return "now" if wait.units == 0.0 else amount_of(wait.units, unit)


def summary(plans: Sequence[PolicyPlan], traffic: Traffic, lift: float, power: float, within: float) -> str:
    """Speak of the policy with the highest estimate beside the logged one, refused ones last."""
    others = [one for one in plans if one.policy != "logged"]
    if not others:
        return "Only the logging policy was asked for, and its value needs no counterfactual."
    best = max(others, key=lambda one: (one.verdict.name.value != "refused", one.value.value or float("-inf")))
    return (
        f"{best.policy} is {best.verdict.name.value}{_trust(best.until_trusted, traffic.unit)}; "
        f"{_lift(best, traffic.unit, lift, power)}{_floor(best, traffic.unit, within)}."
    )


def _trust(wait: Wait, unit: str) -> str:
    if wait.units is None:
        return f", and more traffic will not make it trusted ({wait.reason})"
    return "" if wait.units == 0.0 else f", and trusted after {amount_of(wait.units, unit)} more"


def _lift(one: PolicyPlan, unit: str, lift: float, power: float) -> str:
    now, wait = one.smallest_lift.get(0.0), one.until_detected
    if now is None or wait is None or wait.units is None:
        return f"a lift of {lift:.0%} cannot be planned for"
    today = f"lifts from {now:.1%} on are found today with {power:.0%} power"
    if wait.units == 0.0:
        return today
    return f"{today}, one of {lift:.0%} after {amount_of(wait.units, unit)} more"


def _floor(one: PolicyPlan, unit: str, within: float) -> str:
    if not one.floors:
        return ""
    if one.floor_needed is None:
        return f"; no floor asked about leads to trusted within {amount_of(within, unit)}"
    return f"; a floor of {one.floor_needed:.0%} would have been trusted within {amount_of(within, unit)}"
