"""Channels with a cap, and whether a policy would go over what the log sent there."""

from __future__ import annotations

import numpy as np

from simulator.bench import Sample
from simulator.log import HOLD, Log

__all__ = ["capped_channels", "excess_reasons"]

_EXACT = 1e-9
_CAP_WORDS = ("cap", "budget", "quota")


def arm_channel(log: Log, arm: str) -> str | None:
    """Give an arm's channel from the catalogue, or from an id of the form variant/channel/slot."""
    if arm == HOLD:
        return None
    stated = log.catalogue.get(arm, {}).get("channel")
    if isinstance(stated, str):
        return stated
    parts = arm.split("/")
    return parts[1] if len(parts) == 3 else None


def capped_channels(log: Log) -> set[str]:
    """Find channels that have arms excluded for a reason that speaks of a cap or a budget."""
    arms: set[str] = set()
    for excluded in log.extra.get("excluded", ()):
        if isinstance(excluded, dict):
            arms |= {arm for arm, why in excluded.items() if any(word in str(why).lower() for word in _CAP_WORDS)}
    return {channel for arm in arms if (channel := arm_channel(log, arm)) is not None}


def excess_reasons(sample: Sample, channels: set[str], most: float) -> list[str]:
    """Say on which capped channels the policy sends or spends more than the log, by more than the share `most`."""
    if sample.answer.on_policy or not channels:
        return []
    log, reasons = sample.bench.log, []
    cost = sample.bench.quantities["cost"] * log.count
    flat_count = np.repeat(log.count, log.lengths)
    for channel in sorted(channels):
        on_channel = np.array([arm_channel(log, arm) == channel for arm in log.arms])
        chosen = on_channel[log.arm]
        pairs = {
            "sends": (
                float(sample.answer.probabilities @ (flat_count * on_channel[log.eligible])),
                float(log.count @ chosen),
            ),
            "spend": (float((sample.weight * cost) @ chosen), float(cost @ chosen)),
        }
        for what, (policy, logged) in pairs.items():
            if policy > (1 + most) * logged * (1 + _EXACT):
                reasons.append(
                    f"{what} on capped channel {channel} exceed the log's: {policy:.0f} against {logged:.0f}"
                )
    return reasons
