"""Every arm of a campaign, in one fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from engine.core.arm import HOLD, Arm, ArmId
from engine.core.errors import InvalidInput
from engine.core.feature import Feature
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant

HOLD_FEATURES = tuple(Feature(namespace, "hold", 1.0) for namespace in "VCS")
"""`hold` is scored like any arm: it has features of its own in namespaces V, C and S."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Variants × channels × slots, with `hold` as arm 0.

    Draft, paused and killed variants are arms too: rules exclude them, with a reason.

    Attributes:
        arms: Arm `i` of every vector and matrix; `None` stands for `hold`.
        ids: Arm ids in the same order.
        cells: Shape (k,), the channel × slot cell of each arm, `hold` being cell 0.
        digest: Names the arms and their features; changes of state do not change it.
    """

    variants: tuple[Variant, ...]
    channels: tuple[Channel, ...]
    slots: tuple[Slot, ...]
    with_variant_id: bool = True
    arms: tuple[Arm | None, ...] = field(init=False, repr=False, compare=False)
    ids: tuple[ArmId, ...] = field(init=False, repr=False, compare=False)
    cells: np.ndarray = field(init=False, repr=False, compare=False)
    digest: str = field(init=False, repr=False, compare=False)
    _index: dict[ArmId, int] = field(init=False, repr=False, compare=False)
    _variants: dict[str, Variant] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _distinct("variants", [v.id for v in self.variants])
        _distinct("channels", [c.id for c in self.channels])
        _distinct("slots", [s.id for s in self.slots])
        arms: list[Arm | None] = [None]
        arms += sorted(
            Arm(variant.id, channel.id, slot.id)
            for variant in self.variants
            for channel in self.channels
            if channel.id in variant.channels
            for slot in self.slots
        )
        cell_of = {cell: i + 1 for i, cell in enumerate((c.id, s.id) for c in self.channels for s in self.slots)}
        ids = tuple(HOLD if arm is None else arm.id for arm in arms)
        put = object.__setattr__
        put(self, "arms", tuple(arms))
        put(self, "ids", ids)
        put(self, "cells", np.array([0 if arm is None else cell_of[arm.cell] for arm in arms], dtype=np.int64))
        put(self, "_index", {arm_id: i for i, arm_id in enumerate(ids)})
        put(self, "_variants", {str(v.id): v for v in self.variants})
        put(self, "digest", self._digest())

    def __len__(self) -> int:
        return len(self.ids)

    def index(self, arm_id: str, field: str = "arm") -> int:
        """Position of an arm.

        Raises:
            InvalidInput: If the catalogue has no such arm.
        """
        try:
            return self._index[ArmId(arm_id)]
        except KeyError:
            raise InvalidInput(
                f"unknown arm {arm_id[:64]!r}; the catalogue has {len(self)} arms", field=field
            ) from None

    def columns(self, arm_ids: Iterable[str], field: str = "arm") -> list[int]:
        """Positions of several arms.

        Raises:
            InvalidInput: If the catalogue lacks one of them.
        """
        try:
            return list(map(self._index.__getitem__, cast("Iterable[ArmId]", arm_ids)))
        except KeyError as unknown:
            raise InvalidInput(
                f"unknown arm {unknown.args[0][:64]!r}; the catalogue has {len(self)} arms", field=field
            ) from None

    def variant(self, index: int) -> Variant | None:
        """The variant of arm `index`, or None for `hold`."""
        arm = self.arms[index]
        return None if arm is None else self._variants[arm.variant]

    def features(self) -> list[tuple[Feature, ...]]:
        """Arm-side features, one tuple per arm, in the order of `arms`; namespaces V, C, S, O, E in this order."""
        of_variant = {v.id: v.arm_features(with_id=self.with_variant_id) for v in self.variants}
        of_channel = {c.id: c.arm_features() for c in self.channels}
        of_slot = {s.id: s.arm_features() for s in self.slots}
        return [
            HOLD_FEATURES
            if arm is None
            else _ordered(of_variant[arm.variant] + of_channel[arm.channel] + of_slot[arm.slot])
            for arm in self.arms
        ]

    def _digest(self) -> str:
        digest = hashlib.blake2b(digest_size=12)
        for arm_id, features in zip(self.ids, self.features(), strict=True):
            digest.update(json.dumps([arm_id, [(f.key, f.value) for f in features]]).encode())
        return digest.hexdigest()


def _ordered(features: Sequence[Feature]) -> tuple[Feature, ...]:
    return tuple(sorted(features, key=lambda f: "VCSOE".index(f.namespace)))


def _distinct(name: str, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for item in ids:
        if item in seen:
            raise InvalidInput(f"{item!r} stands twice; ids are unique", field=name)
        seen.add(item)
