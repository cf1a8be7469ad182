"""Every arm of a campaign, in one fixed order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np

from engine.core.arm import HOLD, Arm, ArmId
from engine.core.errors import InvalidInput
from engine.core.feature import ARM_SIDE, Feature
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
    _features: tuple[tuple[Feature, ...], ...] = field(init=False, repr=False, compare=False)
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
        features, digest = self._derived()
        put(self, "_features", features)
        put(self, "digest", digest)

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
        """Arm-side features, one tuple per arm, in the order of `arms`; namespaces V, C, S, O, E in this order.

        Every call gives the same tuples, by which learners know arms again.
        """
        return list(self._features)

    def _derived(self) -> tuple[tuple[tuple[Feature, ...], ...], str]:
        """Features of each arm, and the digest.

        The digest is of each arm's id and features as JSON. What arms share is written once: a thousand variants make
        ten thousand arms.
        """
        variants = {v.id: _Part.of(v.arm_features(with_id=self.with_variant_id)) for v in self.variants}
        channels = {c.id: _Part.of(c.arm_features()) for c in self.channels}
        slots = {s.id: _Part.of(s.arm_features()) for s in self.slots}
        hold = _Part.of(HOLD_FEATURES)
        digest = hashlib.blake2b(digest_size=12)
        features = []
        for arm_id, arm in zip(self.ids, self.arms, strict=True):
            whole = hold if arm is None else variants[arm.variant].around(channels[arm.channel], slots[arm.slot])
            features.append(whole.before + whole.after)
            digest.update(f"[{json.dumps(arm_id)}, [{', '.join(filter(None, (whole.text, whole.rest)))}]]".encode())
        return tuple(features), digest.hexdigest()


class _Part(NamedTuple):
    """Features of an arm or of a part of it, with their JSON: namespaces up to S, and those behind it."""

    before: tuple[Feature, ...]
    after: tuple[Feature, ...]
    text: str
    rest: str

    @classmethod
    def of(cls, features: Sequence[Feature]) -> _Part:
        ordered = sorted(features, key=lambda f: ARM_SIDE.index(f.namespace))
        before = tuple(f for f in ordered if f.namespace in "VCS")
        after = tuple(f for f in ordered if f.namespace not in "VCS")
        return cls(before, after, _json(before), _json(after))

    def around(self, channel: _Part, slot: _Part) -> _Part:
        """A variant's features with those of its channel and slot between."""
        text = ", ".join(filter(None, (self.text, channel.text, slot.text)))
        return _Part(self.before + channel.before + slot.before, self.after, text, self.rest)


def _json(features: Sequence[Feature]) -> str:
    return json.dumps([(f.key, f.value) for f in features])[1:-1]


def _distinct(name: str, ids: Sequence[str]) -> None:
    seen: set[str] = set()
    for item in ids:
        if item in seen:
            raise InvalidInput(f"{item!r} stands twice; ids are unique", field=name)
        seen.add(item)
