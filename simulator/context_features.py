"""Numbers that a reward model reads from contexts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.context_table import ContextTable, Factor, level_text
from simulator.log import Log

__all__ = ["ContextFeatures", "ContextSurvey", "context_features"]

_MOST = 64
_LEVELS = 8
_PROJECTED = 32
#: A column of more distinct strings is taken for an identifier, and its levels are no longer counted.
_MOST_DISTINCT = 10_000


@dataclass(slots=True)
class _Seen:
    """What is known of one column so far."""

    numeric: bool = True
    decisions: int = 0
    total: float = 0.0
    levels: dict[str, int] = field(default_factory=dict)
    identifier: bool = False

    def add(self, factor: Factor, count: IntArray) -> None:
        stated = factor.codes >= 0
        times = np.bincount(factor.codes[stated], weights=count[stated], minlength=len(factor.levels))
        self.decisions += int(times.sum())
        self.numeric = self.numeric and factor.numeric
        if factor.numeric and len(factor.levels):
            self.total += float(times @ factor.levels.astype(np.float64))
        if self.identifier:
            return
        for level, seen in zip(factor.levels, times.tolist(), strict=True):
            text = level_text(level)
            self.levels[text] = self.levels.get(text, 0) + int(seen)
        if len(self.levels) > _MOST_DISTINCT:
            self.identifier, self.levels = True, {}


class ContextSurvey:
    """Counts levels and means over the chunks of a log, before anything is encoded."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._decisions = 0
        self._width = 0

    def add(self, log: Log) -> None:
        """Take the rows of one chunk into account."""
        self._decisions += log.decisions
        for name in log.context:
            self._seen.setdefault(name, _Seen()).add(log.context.factor(name), log.count)
        if log.embedding is not None:
            self._width = log.embedding.shape[1]

    def features(self) -> ContextFeatures:
        """Settle how contexts are encoded from now on."""
        fillers, levels = {}, {}
        for name, seen in sorted(self._seen.items()):
            if not seen.decisions:
                continue
            if seen.numeric:
                # Where most decisions lack it, absence itself is the usual value, and that is written 0.
                usual = 2 * seen.decisions > self._decisions
                fillers[name] = seen.total / seen.decisions if usual else 0.0
            elif not seen.identifier and (len(seen.levels) < _LEVELS or 2 * len(seen.levels) <= self._decisions):
                common = sorted(seen.levels, key=lambda level, counts=seen.levels: -counts[level])  # type: ignore[misc]
                levels[name] = tuple(common[:_LEVELS])
        return ContextFeatures(fillers, levels, self._width)


@dataclass(frozen=True, slots=True)
class ContextFeatures:
    """Encodes context and embedding as columns of numbers, d of them, at most 64 + 32.

    Numbers and booleans are taken less their mean, which stands where they are absent (0 when most are absent), strings
    as indicators of their commonest levels. Wide embeddings go through a fixed random projection, which keeps inner
    products (Johnson and Lindenstrauss 1984).

    Attributes:
        fillers: Numeric attribute → what stands where it is absent.
        levels: Attribute of strings → the levels that have a column.
        width: Dimensions of the embedding, 0 where there is none.
    """

    fillers: Mapping[str, float]
    levels: Mapping[str, tuple[str, ...]]
    width: int

    def encode(self, log: Log) -> FloatArray:
        """Encode the rows of a log, shape (n, d)."""
        names = sorted({*self.fillers, *self.levels})
        context = log.context.widened(names, log.rows)
        columns: list[FloatArray] = []
        for name in names:
            columns += self._encoded(name, context)
        columns = columns[:_MOST]
        encoded = np.empty((log.rows, len(columns) + min(self.width, _PROJECTED)))
        for place, column in enumerate(columns):
            encoded[:, place] = column
        if self.width:
            encoded[:, len(columns) :] = self._embedded(log)
        return encoded

    def _encoded(self, name: str, context: ContextTable) -> list[FloatArray]:
        factor = context.factor(name)
        if name in self.fillers:
            return [factor.numbers(self.fillers[name]) - self.fillers[name]]
        place = {level: index for index, level in enumerate(self.levels[name])}
        column_of = np.array([*(place.get(level_text(level), -1) for level in factor.levels), -1], dtype=np.int64)
        code = column_of[factor.codes]
        return [(code == index).astype(np.float64) for index in range(len(self.levels[name]))]

    def _embedded(self, log: Log) -> FloatArray:
        if log.embedding is None:
            return np.zeros((log.rows, min(self.width, _PROJECTED)))
        if self.width <= _PROJECTED:
            return log.embedding.astype(np.float64)
        projection = np.random.default_rng(0).standard_normal((self.width, _PROJECTED)) / np.sqrt(_PROJECTED)
        return np.asarray((log.embedding @ projection.astype(np.float32)).astype(np.float64))


def context_features(log: Log) -> FloatArray:
    """Encode the contexts of a log in memory as standardised columns, shape (n, d); columns that never vary go."""
    survey = ContextSurvey()
    survey.add(log)
    encoded = survey.features().encode(log)
    if not encoded.shape[1]:
        return encoded
    centred = encoded - np.average(encoded, axis=0, weights=log.count)
    spread = np.sqrt(np.average(centred**2, axis=0, weights=log.count))
    varies = spread > 1e-12 * np.abs(centred).max(axis=0, initial=1.0)
    return np.asarray(centred[:, varies] / spread[varies])
