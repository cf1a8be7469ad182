"""Counters as plain data, in the form in which they are added up, kept and shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

Labels = tuple[str, ...]
Value = float | list[float]
"""A number, or a histogram's values."""


class Series:
    """(metric, labels) → value.

    Attributes:
        of: Metric name → label values → value.

    Examples:
        >>> one, two = Series(), Series()
        >>> one.add("calls", ("Decide",), 2); two.add("calls", ("Decide",), 3)
        >>> one.merge(two); one.of
        {'calls': {('Decide',): 5}}
        >>> Series.from_bytes(one.to_bytes()).of == one.of
        True
    """

    def __init__(self) -> None:
        self.of: dict[str, dict[Labels, Value]] = {}

    def add(self, name: str, labels: Labels, value: Value) -> None:
        """Add to a series."""
        by_labels = self.of.setdefault(name, {})
        known = by_labels.get(labels)
        if known is None:
            by_labels[labels] = list(value) if isinstance(value, list) else value
        elif isinstance(known, list) and isinstance(value, list):
            by_labels[labels] = [a + b for a, b in zip(known, value, strict=True)]
        elif not isinstance(known, list) and not isinstance(value, list):
            by_labels[labels] = known + value
        else:
            raise TypeError(f"{name}: expected a number or a histogram, and the same one each time")

    def merge(self, other: Series) -> None:
        """Add all of another's."""
        for name, labels, value in other:
            self.add(name, labels, value)

    def __iter__(self) -> Iterator[tuple[str, Labels, Value]]:
        for name, by_labels in self.of.items():
            for labels, value in by_labels.items():
                yield name, labels, value

    def to_bytes(self) -> bytes:
        """As JSON."""
        return orjson.dumps([(name, labels, value) for name, labels, value in self])

    @classmethod
    def from_bytes(cls, data: bytes) -> Series:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: If it is anything else.
        """
        made = cls()
        items: list[Any] = orjson.loads(data)
        for name, labels, value in items:
            made.add(name, tuple(labels), value)
        return made
