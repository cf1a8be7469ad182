"""Nested features as flat names, since contexts of a decision log are flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["FlatFeatures", "flat_features"]

Scalar = str | float | bool

#: Keys with a meaning of their own inside a decision service's context, not features.
_STRUCTURE = ("_multi", "_slots", "_tag", "_inc")


class FlatFeatures:
    """Features by flat name, and apart from them what the source keeps from its models.

    Attributes:
        features: Flat name → value.
        metadata: The same for keys that begin with `_`, which Vowpal Wabbit leaves out of its features.
    """

    def __init__(self) -> None:
        self.features: dict[str, Scalar] = {}
        self.metadata: dict[str, Scalar] = {}

    def put(self, name: str, value: Scalar, hidden: bool) -> None:
        """Keep a value; a name that occurs again is numbered."""
        kept = self.metadata if hidden else self.features
        place, free = 2, name
        while free in kept:
            free, place = f"{name}[{place}]", place + 1
        kept[free] = value


def flat_features(nested: Mapping[str, Any]) -> FlatFeatures:
    """Flatten an object: `{"User": {"id": 7}}` is `User.id`, and null is absent.

    A list of numbers is numbered, `[0.5, 2]` → `name[0]`, `name[1]`; a list of texts is a set, `["red"]` →
    `name.red` is true; objects in a list stand side by side under the list's name, as Vowpal Wabbit reads them. The
    words of a `_text` are one value.

    >>> flat_features({"User": {"id": 7, "_age": 0}, "likes": ["red"], "j": [{"hot": True}, None]}).features
    {'User.id': 7, 'likes.red': True, 'j.hot': True}
    """
    flat = FlatFeatures()
    for name, value, hidden in _walked(nested, "", False):
        flat.put(name, value, hidden)
    return flat


def _walked(nested: Mapping[str, Any], prefix: str, hidden: bool) -> Iterator[tuple[str, Scalar, bool]]:
    for key, value in nested.items():
        if key not in _STRUCTURE:
            below = hidden or (key.startswith("_") and key != "_text")
            yield from _entries(f"{prefix}.{key}" if prefix else key, value, below)


def _entries(name: str, value: Any, hidden: bool) -> Iterator[tuple[str, Scalar, bool]]:
    if isinstance(value, dict):
        yield from _walked(value, name, hidden)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            if isinstance(item, str):
                yield f"{name}.{item}", True, hidden
            else:
                yield from _entries(name if isinstance(item, dict) else f"{name}[{place}]", item, hidden)
    elif value is not None:
        yield name, value, hidden
