"""Replays a journal against what must never happen: overspent money, oversold stock, a shopper bothered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.core.arm import HOLD, Arm
from engine.core.decision import Decision, Mode
from engine.core.outcome import Outcome, OutcomeType

_SLACK_S = 1 / 8
"""Windows are kept in sixteenths of a second; one may end late by less than this, and never early."""


def broken(settings: Mapping[str, Any], decisions: Sequence[Decision], outcomes: Iterable[Outcome]) -> list[str]:
    """What the decisions of one campaign broke, in words; empty where they kept every rule.

    Args:
        settings: The campaign's, as they were all the time.
        decisions: All that are on record, each once.
        outcomes: All that are on record; `not_sent` gives back what the decision took.
    """
    returned = {o.decision_id for o in outcomes if o.type is OutcomeType.NOT_SENT}
    acted = [d for d in decisions if d.mode is not Mode.SHADOW]
    sends = [(d, Arm.parse(d.arm)) for d in acted if d.arm != HOLD and d.id not in returned]
    return [*_overspent(settings, sends), *_oversold(settings, sends), *_overwritten(settings, sends)]


def spent_minor(settings: Mapping[str, Any], decisions: Sequence[Decision]) -> int:
    """What all sends cost, in minor units, whatever was given back."""
    costs = {channel["id"]: channel.get("cost_minor", 0) for channel in settings["channels"]}
    return sum(costs[Arm.parse(d.arm).channel] for d in decisions if d.arm != HOLD and d.mode is not Mode.SHADOW)


def _overspent(settings: Mapping[str, Any], sends: Sequence[tuple[Decision, Arm]]) -> list[str]:
    if "budget" not in settings:
        return []
    costs = {channel["id"]: channel.get("cost_minor", 0) for channel in settings["channels"]}
    spent, amount = sum(costs[arm.channel] for _, arm in sends), settings["budget"]["amount_minor"]
    return [f"budget: {spent} of {amount} were spent"] if spent > amount else []


def _oversold(settings: Mapping[str, Any], sends: Sequence[tuple[Decision, Arm]]) -> list[str]:
    sent: dict[str, int] = defaultdict(int)
    for _, arm in sends:
        sent[arm.variant] += 1
    stock = {v["id"]: v["stock"] for v in settings["variants"] if v.get("stock") is not None}
    return [f"stock: {sent[v]} of {n} of {v} were sent" for v, n in stock.items() if sent[v] > n]


def _overwritten(settings: Mapping[str, Any], sends: Sequence[tuple[Decision, Arm]]) -> list[str]:
    wrong = []
    for cap in settings.get("caps", ()):
        moments: dict[str, list[float]] = defaultdict(list)
        for decision, arm in sends:
            if cap.get("channel") in (None, arm.channel):
                moments[decision.user].append(decision.decided_at.timestamp())
        for user, times in moments.items():
            times.sort()
            for i in range(cap["most"], len(times)):
                if times[i] - times[i - cap["most"]] < cap["within_s"] - _SLACK_S:
                    wrong.append(f"cap {dict(cap)}: {user[:8]}… was written to {cap['most'] + 1} times in its window")
                    break
    return wrong
