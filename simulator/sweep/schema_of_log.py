"""A campaign's schema, read off the contexts of a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.core.schema import Attribute, Schema
from simulator.context_table import Factor
from simulator.log_source import LogSource

__all__ = ["schema_of_log"]

_VOCABULARY = 64
_BUCKETS = 256


@dataclass(slots=True)
class _Column:
    kinds: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    low: float = np.inf
    high: float = -np.inf

    def add(self, factor: Factor) -> None:
        for place in np.unique(factor.codes[factor.codes >= 0]):
            value = factor.levels[place]
            if isinstance(value, bool):
                self.kinds.add("boolean")
            elif isinstance(value, str):
                self.kinds.add("string")
                if len(self.words) <= _VOCABULARY:
                    self.words.add(value)
            else:
                self.kinds.add("number")
                self.low, self.high = min(self.low, float(value)), max(self.high, float(value))

    def attribute(self) -> Attribute | None:
        """Settle how it becomes columns; None where it never varies, or is of two kinds."""
        if len(self.kinds) != 1:
            return None
        (kind,) = self.kinds
        if kind == "boolean":
            return Attribute("boolean")
        if kind == "number":
            return Attribute("number", low=self.low, high=self.high) if self.low < self.high else None
        if len(self.words) == 1:
            return None
        if len(self.words) <= _VOCABULARY:
            return Attribute("categorical", vocabulary=tuple(sorted(self.words)))
        return Attribute("hashed", buckets=_BUCKETS)


def schema_of_log(log: LogSource) -> tuple[Schema, tuple[str, ...]]:
    """Derive columns from contexts by kind, without a look at any outcome.

    Numbers are scaled to their range; of words up to 64 have a column each, more are hashed; the embedding is as wide
    as it is.

    Args:
        log: The whole log, since a model must be able to read every context that it will be asked about.

    Returns:
        The schema, and the attributes that are left out: they never vary, or are of several kinds.
    """
    columns: dict[str, _Column] = {}
    width = 0
    for chunk in log.chunks():
        width = width if chunk.embedding is None else chunk.embedding.shape[1]
        for name in chunk.context:
            columns.setdefault(name, _Column()).add(chunk.context.factor(name))
    attributes: Mapping[str, Attribute | None] = {name: column.attribute() for name, column in columns.items()}
    known = {name: attribute for name, attribute in attributes.items() if attribute is not None}
    return Schema(dimension=width, attributes=known), tuple(sorted({*attributes} - {*known}))
