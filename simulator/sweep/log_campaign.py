"""The campaign under which candidates learn from a log: the one that was given, or one read off the log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.campaign import Campaign
from engine.core.errors import InvalidInput
from engine.core.objective import TERMS, Objective
from engine.core.outcome import OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant, VariantState
from simulator.horizons import Horizons
from simulator.log import HOLD, Log
from simulator.log_source import LogSource
from simulator.metric import HOLD_PREFIX, Metric
from simulator.policies.arm_features import arm_cell, arm_features
from simulator.quantities import Quantities
from simulator.reward_scale import RewardScale
from simulator.sweep.schema_of_log import schema_of_log

__all__ = ["LogCampaign", "learned_terms", "scaled_objective"]

_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9_.-]+")
_SHORTEST_S = 1e-6
#: Quantity → terms of an objective, with their factors.
_TERMS_OF: Mapping[str, Mapping[str, float]] = {
    "clicked": {"click": 1.0},
    "converted": {"conversion": 1.0},
    "converted_clicked": {"conversion": 1.0},
    "unsubscribed": {"unsubscribe": 1.0},
    "revenue": {"purchase": 1.0, "refund": -1.0},
    "cost": {"cost": 1.0},
}


@dataclass(frozen=True, slots=True, eq=False)
class LogCampaign:
    """A campaign, and how the arms of the log are called in it.

    Attributes:
        campaign: The settings that a candidate's stand over.
        names: Arm of the log → its id in the campaign, where the two differ.
        facts: Arm of the campaign → what the log's catalogue says of it, in the names that models use; empty where the
            campaign was given, whose own catalogue says it.
        derived: Whether it was read off the log, so that no server knows it.
        left_out: Attributes of contexts that no model sees.
    """

    campaign: Campaign
    names: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    derived: bool = False
    left_out: tuple[str, ...] = ()

    @classmethod
    def given(cls, campaign: Campaign, log: LogSource) -> LogCampaign:
        """Take a campaign that was given.

        Raises:
            InvalidInput: When the log has none of its arms.
        """
        own = {str(arm) for arm in campaign.catalogue().ids}
        others = [arm for arm in log.arms if arm not in own]
        if len(others) >= len(log.arms) - 1:
            raise InvalidInput(
                f"expected a log of campaign {campaign.id!r}, got arms such as {others[0]!r} and none of its own; take "
                "its own log, or leave the campaign out",
                field="--campaign",
            )
        return cls(campaign)

    @classmethod
    def of_log(cls, log: LogSource, horizons: Horizons, objective: Objective) -> LogCampaign:
        """Read a campaign off a log: its arms, the columns of its contexts, and how long outcomes take.

        Args:
            log: The whole log.
            horizons: How long outcomes count.
            objective: What candidates learn that do not say otherwise.
        """
        schema, left_out = schema_of_log(log)
        names = _names(log)
        places = [_placed(name) for name in names.values() if name != HOLD]
        windows = {kind: max(horizons.of(str(kind)) / 1e6, _SHORTEST_S) for kind in OutcomeType}
        variants: dict[str, set[str]] = {}
        for variant, channel, _ in places:
            variants.setdefault(variant, set()).add(channel)
        campaign = Campaign(
            id=_part(_stated_id(log)),
            channels=tuple(Channel(ChannelId(name)) for name in dict.fromkeys(place[1] for place in places)),
            slots=tuple(Slot(SlotId(name)) for name in dict.fromkeys(place[2] for place in places)),
            schema=schema,
            variants=tuple(
                Variant(
                    VariantId(name), VariantState.APPROVED, {ChannelId(channel): {} for channel in sorted(channels)}
                )
                for name, channels in variants.items()
            ),
            objective=objective,
            windows_s=windows,
        )
        facts = {}
        for arm, name in names.items():
            if name != HOLD:
                features = {feature.key: feature.value for feature in arm_features(log, arm)}
                variant, channel, slot = _placed(name)
                facts[name] = {"variant": variant, "channel": channel, "slot": slot, "features": features}
        renamed = {arm: name for arm, name in names.items() if arm != name}
        return cls(campaign, renamed, facts, derived=True, left_out=left_out)

    def seen(self, log: Log) -> Log:
        """Show a chunk in the campaign's words: its names of arms and what is known of them."""
        if not self.derived:
            return log
        return replace(log, arms=tuple(self.names.get(arm, arm) for arm in log.arms), catalogue=self.facts)

    def untimed(self) -> LogCampaign:
        """The same for a log without times: outcomes are as old as their decision, so nothing is waited for."""
        windows = dict.fromkeys(OutcomeType, _SHORTEST_S)
        slots = tuple(replace(slot, delay_s=0.0) for slot in self.campaign.slots)
        return replace(self, campaign=replace(self.campaign, windows_s=windows, slots=slots))


def learned_terms(metric: Metric, objective: Mapping[str, float]) -> Mapping[str, float]:
    """Say what a model has to learn to be good at a metric, as weights of an objective; of a ratio its numerator.

    Raises:
        InvalidInput: When no outcome says it.
    """
    weights: dict[str, float] = {}
    for name, factor in metric.numerator.items():
        if name.startswith(HOLD_PREFIX):
            continue
        if name == "objective":
            terms: Mapping[str, float] = objective
        elif name in _TERMS_OF:
            terms = _TERMS_OF[name]
        else:
            raise InvalidInput(f"expected a metric that a model can learn, got {metric.key!r}", field="--metric")
        for term, weight in terms.items():
            weights[term] = weights.get(term, 0.0) + factor * weight
    if metric.key in ("cost", "unsubscribe"):
        weights = {term: -weight for term, weight in weights.items()}
    return weights


def scaled_objective(weights: Mapping[str, float], lessons: LogSource) -> Objective:
    """Give an objective its scale from the rows that teach: their range of rewards, and their mean as what matters.

    Args:
        weights: Term → weight.
        lessons: The train period.
    """
    known = {term: weight for term, weight in weights.items() if term in TERMS}
    rewards, counts = [], []
    for chunk in lessons.chunks():
        rewards.append(Quantities(chunk, known)["objective"])
        counts.append(chunk.count)
    all_rewards = np.concatenate(rewards) if rewards else np.zeros(1)
    weight = np.concatenate(counts) if counts else np.ones(1)
    if not all_rewards.any():
        return Objective(weights=dict(weights))
    scale = RewardScale.of(all_rewards)
    span = scale.high - scale.low
    mean = abs(float(np.average(np.clip(all_rewards, scale.low, scale.high), weights=weight)))
    typical = float(f"{min(max(mean, 1e-3 * span), span):.6g}")
    return Objective(weights=dict(weights), low=scale.low, high=scale.high, typical=min(typical, span))


def _names(log: LogSource) -> dict[str, str]:
    """Name every arm `variant/channel/slot`, as it is where it is so named already."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for arm in log.arms:
        if arm == HOLD:
            names[arm] = HOLD
            continue
        variant = str(log.catalogue.get(arm, {}).get("variant") or arm.split("/")[0])
        channel, slot = arm_cell(log, arm)
        name = f"{_part(variant)}/{_part(channel or 'any')}/{_part(slot or 'any')}"
        number = 2
        while name in taken:
            name = f"{_part(variant)}-{number}/{_part(channel or 'any')}/{_part(slot or 'any')}"
            number += 1
        taken.add(name)
        names[arm] = name
    return names


def _placed(name: str) -> tuple[str, str, str]:
    variant, channel, slot = name.split("/")
    return variant, channel, slot


def _part(text: str) -> str:
    cleaned = _NOT_IN_AN_ID.sub("-", text).strip("-") or "arm"
    return f"{cleaned}-arm" if cleaned == HOLD else cleaned


def _stated_id(log: LogSource) -> str:
    for chunk in log.chunks():
        for value in chunk.extra.get("campaign", ()):
            if value is not None:
                return str(value)
    return Path(log.source).name.split(".")[0] or "log"
