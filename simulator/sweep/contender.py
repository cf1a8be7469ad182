"""One candidate of a sweep, before it has learned anything."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.core.campaign import Campaign
from engine.core.errors import ConfigError
from engine.core.exploration.options import ExplorationOptions
from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.reading import plain, read
from simulator.sweep.space import Space

__all__ = ["Contender", "contenders"]

_LISTS = ("interactions", "extra")
_SCALE = ("low", "high", "typical")
_REFUSED = ("logged", "best_constant")


@dataclass(frozen=True, slots=True)
class Contender:
    """What is tried: a campaign whose model learns from the train period, or a policy by its SPEC.

    Attributes:
        name: What reports call it; unique in its sweep.
        campaign: Settings that it learns under; None for a SPEC.
        spec: A SPEC; empty for a campaign.
    """

    name: str
    campaign: Campaign | None = None
    spec: str = ""

    @property
    def key(self) -> str:
        """Names what it is, whatever it is called."""
        return _digest([self.spec, None if self.campaign is None else plain(self.campaign)])

    @property
    def model_key(self) -> str:
        """Names what its model learns: candidates that differ in exploration alone share one."""
        if self.campaign is None:
            return self.key
        return _digest([plain(replace(self.campaign, exploration=ExplorationOptions()))])

    @property
    def learns_itself(self) -> bool:
        """Whether it is a `vw:` policy, which learns under no campaign."""
        return self.spec.startswith("vw:")


def contenders(
    space: Space, campaign: Campaign | None, scaled: Callable[[Mapping[str, float]], Objective]
) -> list[Contender]:
    """Make the candidates of a space, those that come to the same once.

    Args:
        space: The space.
        campaign: What stands where a candidate says nothing; None where the space has SPECs alone.
        scaled: Gives an objective with these weights its scale, where a candidate states weights alone.

    Raises:
        ConfigError: When settings do not fit, naming the key.
    """
    plain_ones = [Contender(name=spec, spec=_checked(spec)) for spec in dict.fromkeys(space.policies)]
    if campaign is None:
        return plain_ones
    made = [_changed(campaign, tables, scaled) for tables in space.settings()]
    distinct = list({_digest(_effective(one)): one for one in made}.values())
    taken = {"logged", "uniform", *space.policies}
    names = [f"{name}, learned" if name in taken else name for name in _names(distinct)]
    named = [Contender(name, one) for name, one in zip(names, distinct, strict=True)]
    return [*named, *plain_ones]


def _checked(spec: str) -> str:
    if spec in _REFUSED or spec.startswith(("holding:", "repriced:")):
        raise ConfigError(
            f"expected uniform, constant:ARM, snapshot:PATH, vw:'OPTIONS', file:PATH or python:module:object, got "
            f"{spec!r}; logged is there in any case, and the others are for `replay`",
            field="policies",
        )
    return spec


def _changed(
    campaign: Campaign, tables: Mapping[str, Any], scaled: Callable[[Mapping[str, float]], Objective]
) -> Campaign:
    learning, stated = dict(tables.get("learning", {})), dict(tables.get("objective", {}))
    for name in _LISTS:
        if isinstance(learning.get(name), str):
            raise ConfigError(
                f"a list in a space file is a choice, and {name} is itself a list: write [[…], […]]",
                field=f"learning.{name}",
            )
    base = plain(campaign.objective)
    if "weights" in stated and not any(name in stated for name in _SCALE):
        base = plain(scaled(stated["weights"]))
    return replace(
        campaign,
        exploration=read(
            ExplorationOptions, _over(plain(campaign.exploration), tables.get("exploration", {})), "exploration"
        ),
        learning=read(LearningOptions, _over(plain(campaign.learning), learning), "learning"),
        objective=read(Objective, {**base, **stated}, "objective"),
    )


def _over(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Put changes over settings, tables within tables too."""
    merged = dict(base)
    for name, value in changes.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return merged


def _effective(campaign: Campaign) -> dict[str, Any]:
    """List what tells candidates apart: parameters of a rule that is not in force do not."""
    rule = campaign.exploration
    flat = {"": rule.label}
    for table, settings in (("floor", rule.floor), ("", campaign.learning), ("objective", campaign.objective)):
        for name, value in plain(settings).items():
            flat[f"{table}.{name}" if table else name] = value
    return flat


def _names(campaigns: Sequence[Campaign]) -> list[str]:
    """Name each by its rule and by whatever else differs among them."""
    flat = [_effective(campaign) for campaign in campaigns]
    differs = [name for name in (flat[0] if flat else {}) if len({_digest(one[name]) for one in flat}) > 1]
    return [
        ", ".join([one[""], *(f"{name}={_shown(one[name])}" for name in differs if name)]) or one[""] for one in flat
    ]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "+".join(f"{weight:g}·{term}" for term, weight in value.items())
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _digest(value: Any) -> str:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=12).hexdigest()
