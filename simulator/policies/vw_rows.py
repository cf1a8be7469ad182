"""Rows of a log as Vowpal Wabbit's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from engine.core.feature import LARGEST, token
from engine.vw import arm_line
from simulator.log import Log
from simulator.policies.arm_features import arm_features

__all__ = ["RowTexts", "VwRows"]

_MOST_LEVELS = 65_536


@dataclass(frozen=True, slots=True, eq=False)
class RowTexts:
    """The text of each row of one log: a shared line made when it is asked for, and the lines of arms made once.

    Attributes:
        dense: Format of the embedding's part of a shared line.
        embedding: Shape (n, d), float32, or None.
        embedded: Rows whose embedding is not zero, shape (n,).
        attributes: The attributes' part of each row's shared line, n of them.
        arm_lines: The line of each arm of the vocabulary that is eligible anywhere, else empty.
        offsets: As in `Log`.
        eligible: As in `Log`.
    """

    dense: str
    embedding: NDArray[np.float32] | None
    embedded: NDArray[np.bool_]
    attributes: list[str]
    arm_lines: list[str]
    offsets: NDArray[np.int64]
    eligible: NDArray[np.int32]

    def shared(self, row: int) -> str:
        """Write the shared line of a row; numbers have nine digits, which name a float32 exactly."""
        attributes = self.attributes[row]
        if self.embedding is not None and self.embedded[row]:
            return f"shared |U {self.dense % tuple(self.embedding[row].tolist())}{attributes}"
        # A shared line needs a namespace to be one; an empty one has no features.
        return f"shared{attributes}" if attributes else "shared |U"

    def arms(self, row: int) -> list[str]:
        """List the lines of a row's eligible arms, in their order."""
        lines = self.arm_lines
        return [lines[code] for code in self.eligible[self.offsets[row] : self.offsets[row + 1]].tolist()]


@dataclass(slots=True, eq=False)
class VwRows:
    """Reads logs into text: embedding as U, attributes as X, arms as `arm_features` says (V, C, S, O, E).

    There is no campaign's schema here: a string is a feature `name=value`, a number counts as it stands, a boolean is
    1 or nothing. Consecutive chunks of a log give the same text as the log in one piece.
    """

    _arms: dict[str, tuple[Mapping[str, Any] | None, str]] = field(default_factory=dict)
    _levels: dict[tuple[str, str], str] = field(default_factory=dict)

    def read(self, log: Log) -> RowTexts:
        """Prepare the text of a log, or of a chunk of it.

        Raises:
            InvalidInput: When a number is too large to be learned from, or an arm's features are no plain values.
        """
        width = 0 if log.embedding is None else log.embedding.shape[1]
        return RowTexts(
            dense=" ".join(f"u{place}:%.9g" for place in range(width)),
            embedding=_checked_embedding(log),
            embedded=np.zeros(log.rows, dtype=bool) if log.embedding is None else np.any(log.embedding != 0, axis=1),
            attributes=self._attributes(log),
            arm_lines=self._arm_lines(log),
            offsets=log.offsets,
            eligible=log.eligible,
        )

    def _arm_lines(self, log: Log) -> list[str]:
        lines = [""] * len(log.arms)
        for code in np.unique(log.eligible).tolist():
            arm = log.arms[code]
            described = log.catalogue.get(arm)
            known = self._arms.get(arm)
            if known is None or known[0] != described:
                known = self._arms[arm] = (described, arm_line(arm_features(log, arm)))
            lines[code] = known[1]
        return lines

    def _attributes(self, log: Log) -> list[str]:
        columns = [self._column(log, name) for name in sorted(log.context)]
        if not columns:
            return [""] * log.rows
        joined = map("".join, zip(*columns, strict=True))
        return [f" |X{features}" if features else "" for features in joined]

    def _column(self, log: Log, name: str) -> list[str]:
        """Write one attribute of every row, with a blank before it; nothing where it is absent, false or 0."""
        values, plain = log.context[name], token(name)
        numbers = _numbers(log, name)
        texts = []
        for value, number in zip(values.tolist(), numbers, strict=True):
            if isinstance(value, str):
                texts.append(self._level(name, value))
            elif not number:
                texts.append("")
            else:
                texts.append(f" {plain}:{number:.9g}")
        return texts

    def _level(self, name: str, value: str) -> str:
        known = self._levels.get((name, value))
        if known is None:
            if len(self._levels) >= _MOST_LEVELS:
                self._levels.clear()
            known = self._levels[name, value] = f" {token(f'{name}={value}')}:1"
        return known


def _numbers(log: Log, name: str) -> list[float]:
    """Take a column's numbers as float32, 0 where it has none, booleans as 0 and 1."""
    values = log.context[name].tolist()
    numbers = np.array([0.0 if value is None or isinstance(value, str) else float(value) for value in values])
    wrong = np.flatnonzero(~(np.abs(numbers) <= LARGEST))
    if wrong.size:
        raise InvalidInput(
            f"expected numbers of at most {LARGEST:g} in size, got a larger one in decision "
            f"{log.decision_ids[wrong[0]]!r}: its products would overflow; scale it, or write it as a string",
            field=f"context.{name}",
        )
    return list(numbers.astype(np.float32).tolist())


def _checked_embedding(log: Log) -> NDArray[np.float32] | None:
    if log.embedding is not None:
        wrong = np.flatnonzero(~(np.abs(log.embedding) <= LARGEST).all(axis=1))
        if wrong.size:
            raise InvalidInput(
                f"expected finite numbers of at most {LARGEST:g} in size, got others in decision "
                f"{log.decision_ids[wrong[0]]!r}; scale the embedding",
                field="embedding",
            )
    return log.embedding
