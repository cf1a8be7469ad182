"""Decisions as Vowpal Wabbit's multiline text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from engine.core.errors import InvalidInput
from engine.core.feature import ARM_SIDE, Feature
from engine.core.learning import LearningEvent
from engine.core.schema import Schema

_NAME = re.compile(r"[^\s|:\x00-\x20]+\Z")
_MAX_CACHED = 65_536
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(slots=True)
class ExampleWriter:
    """Writes examples: one shared line, one line per arm, the label on the chosen one.

    Everything is checked here, since a malformed example can end the interpreter inside native code: it takes NaN
    silently, and a bad label aborts. Numbers are written with nine significant digits, which name a float32 exactly.

    Attributes:
        schema: Names the user columns.
    """

    schema: Schema
    _names: tuple[str, ...] = field(init=False, repr=False)
    _dense: str = field(init=False, repr=False)
    _cache: dict[int, tuple[tuple[Feature, ...], str]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._names = tuple(column.split("^", 1)[1] for column in self.schema.user_columns)
        for name in self._names:
            _check_name(name, "schema")
        self._dense = " ".join(f"{name}:%.9g" for name in self._names[: self.schema.dimension])

    def labelled(self, event: LearningEvent) -> list[str]:
        """The lines to learn from.

        Raises:
            InvalidInput: Naming the field that cannot be learned.
        """
        label = self._label(event)
        lines = self.unlabelled(event.x, event.arms)
        lines[event.chosen + 1] = label + lines[event.chosen + 1]
        return lines

    def chosen_only(self, event: LearningEvent) -> tuple[str, str]:
        """The shared line and the chosen arm's line with its label, where the other arms are ready.

        Raises:
            InvalidInput: Naming the field that cannot be learned.
        """
        label = self._label(event)
        return self._shared(event.x), label + self.arm(event.arms[event.chosen])

    def _label(self, event: LearningEvent) -> str:
        if not 0 <= event.chosen < len(event.arms):
            raise InvalidInput(f"expected an index below {len(event.arms)}, got {event.chosen}", field="chosen")
        if not 0.0 < event.probability <= 1.0:
            raise InvalidInput(f"expected a probability in (0, 1], got {event.probability}", field="probability")
        if not (math.isfinite(event.cost) and abs(event.cost) <= _LARGEST):
            raise InvalidInput(f"expected a finite number, got {event.cost}", field="cost")
        if np.float32(event.probability) <= 0:
            raise InvalidInput(f"{event.probability} is zero as a float32; clip it", field="probability")
        if not (isinstance(event.weight, int) and event.weight >= 1):
            raise InvalidInput(f"expected a whole number ≥ 1, got {event.weight}", field="weight")
        return f"0:{event.cost:.9g}:{event.probability:.9g} "

    def unlabelled(self, x: np.ndarray, arms: Sequence[tuple[Feature, ...]]) -> list[str]:
        """The lines to predict from.

        Args:
            x: Shape (d,), float32, over the schema's user columns.
            arms: Features of each arm, at least one.

        Raises:
            InvalidInput: Naming the field that cannot be written.
        """
        if not arms:
            raise InvalidInput("expected at least one arm", field="arms")
        return [self._shared(x), *map(self.arm, arms)]

    def _shared(self, x: np.ndarray) -> str:
        if x.shape != (len(self._names),) or x.dtype != np.float32:
            raise InvalidInput(f"expected float32 ({len(self._names)},), got {x.dtype} {x.shape}", field="x")
        if not np.isfinite(x).all():
            raise InvalidInput("expected finite numbers", field="x")
        d = self.schema.dimension
        parts = ["shared"]
        if d:
            parts += ("|U", self._dense % tuple(x[:d].tolist()))
        present = [f"{name}:{value:.9g}" for name, value in zip(self._names[d:], x[d:].tolist(), strict=True) if value]
        if present:
            parts += ("|X", *present)
        # A shared line needs a namespace to be one; an empty one has no features.
        return " ".join(parts) if len(parts) > 1 else "shared |U"

    def arm(self, features: tuple[Feature, ...]) -> str:
        """The line of one arm, remembered as long as the same tuple is asked for.

        Raises:
            InvalidInput: Naming the feature that cannot be written.
        """
        known = self._cache.get(id(features))
        # The cache holds the tuple itself, so that its id cannot be given to another one.
        if known is not None and known[0] is features:
            return known[1]
        line = arm_line(features)
        if len(self._cache) >= _MAX_CACHED:
            self._cache.clear()
        self._cache[id(features)] = (features, line)
        return line


def arm_line(features: tuple[Feature, ...]) -> str:
    """The line of one arm, without a label.

    Args:
        features: Sorted by namespace, at least one.

    Raises:
        InvalidInput: Naming the feature that cannot be written.
    """
    if not features:
        raise InvalidInput("expected an arm with at least one feature", field="arms")
    parts = []
    for namespace, group in groupby(features, key=lambda feature: feature.namespace):
        if len(namespace) != 1 or namespace not in ARM_SIDE:
            raise InvalidInput(f"expected a namespace of {ARM_SIDE}, got {namespace!r}", field="arms")
        parts.append(f"|{namespace}")
        for feature in group:
            _check_name(feature.name, "arms")
            if not abs(feature.value) <= _LARGEST:
                raise InvalidInput(f"{feature.key}: expected a finite float32, got {feature.value}", field="arms")
            parts.append(f"{feature.name}:{np.float32(feature.value):.9g}")
    return " ".join(parts)


def _check_name(name: str, where: str) -> None:
    if not _NAME.match(name) or _is_index(name):
        raise InvalidInput(
            f"{name[:64]!r} is no feature name: blanks, '|', ':' and bare numbers are not; escape it", field=where
        )


def _is_index(name: str) -> bool:
    return name.isdigit()
