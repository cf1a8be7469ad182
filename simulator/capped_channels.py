"""Channels with a cap, and whether a policy would go over what the log sent there."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from simulator.log import HOLD, Log
from simulator.log_source import LogSource

if TYPE_CHECKING:
    from simulator.sample import Sample

__all__ = ["CAP_WORDS", "arm_channel", "capped_channels", "excess_reasons"]

_EXACT = 1e-9
#: Words by which an exclusion speaks of a limit, as a regular expression.
CAP_WORDS = "(?i)cap|budget|quota"
_LIMITED = re.compile(CAP_WORDS)


def arm_channel(log: LogSource, arm: str) -> str | None:
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
            arms |= {arm for arm, why in excluded.items() if _LIMITED.search(str(why))}
    return {channel for arm in arms if (channel := arm_channel(log, arm)) is not None}


def excess_reasons(sample: Sample, log: LogSource, channels: Collection[str], most: float) -> list[str]:
    """Say on which capped channels the policy sends or spends more than the log, by more than the share `most`."""
    reasons: list[str] = []
    if sample.on_policy:
        return reasons
    for channel in sorted(channels):
        on_channel = np.array([arm_channel(log, arm) == channel for arm in log.arms])
        pairs = {"sends": ("policy", "logged"), "spend": ("weighted_cost", "logged_cost")}
        for what, (policy, logged) in pairs.items():
            own, was = (float(sample.by_arm[key] @ on_channel) for key in (policy, logged))
            if own > (1 + most) * was * (1 + _EXACT):
                reasons.append(f"{what} on capped channel {channel} exceed the log's: {own:.0f} against {was:.0f}")
    return reasons
