"""What a model may know of the arms of a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.core.catalogue import HOLD_FEATURES
from engine.core.errors import InvalidInput
from engine.core.feature import ARM_SIDE, Feature, scalar_features
from simulator.log import HOLD
from simulator.log_source import LogSource

__all__ = ["arm_cell", "arm_features", "named_by_namespace"]


def arm_features(log: LogSource, arm: str) -> tuple[Feature, ...]:
    """Read an arm's features from the log's catalogue, in the order of their namespaces.

    A log of armsreach names each feature with its namespace (`V^id=spring`, `O^percent`), just as models do. In other
    logs, `features` are facts of the variant, and the three parts of the arm's id are features too.

    Raises:
        InvalidInput: When a feature is no plain value.
    """
    if arm == HOLD:
        return HOLD_FEATURES
    described = log.catalogue.get(arm, {})
    facts = described.get("features") or {}
    if not isinstance(facts, Mapping) or not all(isinstance(value, str | int | float) for value in facts.values()):
        raise InvalidInput(
            "expected flat features, name to string, number or boolean; flatten them", field=f"arms.{arm}.features"
        )
    if named_by_namespace(facts):
        named = [Feature(name[0], name[2:], float(value)) for name, value in facts.items()]
    else:
        variant, channel, slot = _parts(described, arm)
        named = [*scalar_features("V", {"id": variant, **facts})]
        named += [*scalar_features("C", {"id": channel}), *scalar_features("S", {"id": slot})]
    if not any(feature.namespace == "E" for feature in named):
        vector = described.get("embedding") or ()
        named += [Feature("E", f"e{place}", float(value)) for place, value in enumerate(vector) if value]
    return tuple(sorted(named, key=lambda feature: ARM_SIDE.index(feature.namespace)))


def named_by_namespace(facts: Mapping[str, Any]) -> bool:
    """Whether an arm's features are named as models name them, so that they need no reading."""
    return bool(facts) and all(name[:1] in ARM_SIDE and name[1:2] == "^" for name in facts)


def arm_cell(log: LogSource, arm: str) -> tuple[str, str]:
    """Give an arm's channel and slot, which the exploration floor treats as one cell."""
    _, channel, slot = _parts(log.catalogue.get(arm, {}), arm)
    return channel, slot


def _parts(described: Mapping[str, Any], arm: str) -> tuple[str, str, str]:
    from_id = arm.split("/") if arm.count("/") == 2 else [arm, "", ""]
    variant, channel, slot = (
        str(described.get(name) or part) for name, part in zip(("variant", "channel", "slot"), from_id, strict=True)
    )
    return variant, channel, slot
