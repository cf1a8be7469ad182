"""The closed set of columns that a campaign's models see of a shopper."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.core.errors import ConfigError, InvalidInput
from engine.core.feature import LARGEST, Scalar, token
from engine.core.repeated import Repeated

Kind = Literal["categorical", "hashed", "number", "boolean"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """How one attribute of a shopper becomes columns.

    Attributes:
        kind: `categorical` has one column per vocabulary entry and one for all other values; `hashed` spreads strings
            over `buckets` columns; `number` is scaled from [low, high] to [0, 1]; `boolean` is one column.
        vocabulary: Values of a categorical attribute.
        buckets: Number of columns of a hashed one.
        low: Smallest valid number.
        high: Largest valid number.
    """

    kind: Kind
    vocabulary: tuple[str, ...] = ()
    buckets: int = 0
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.kind == "categorical" and (not self.vocabulary or len(set(self.vocabulary)) != len(self.vocabulary)):
            raise ConfigError("a categorical attribute needs a list of distinct values", field="vocabulary")
        if self.kind == "hashed" and not 1 <= self.buckets <= 4096:
            raise ConfigError(f"expected 1 to 4096 buckets, got {self.buckets}", field="buckets")
        if self.kind == "number" and not (
            math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high
        ):
            raise ConfigError(f"expected finite low < high, got {self.low} and {self.high}", field="low")

    def columns(self, name: str) -> tuple[str, ...]:
        """Feature names of this attribute's columns, in order."""
        if self.kind == "categorical":
            return (*(token(f"{name}={value}") for value in self.vocabulary), token(f"{name}~other"))
        if self.kind == "hashed":
            return tuple(token(f"{name}~{bucket}") for bucket in range(self.buckets))
        return (token(name),)

    def place(self, name: str, value: Scalar) -> tuple[int, float]:
        """Column (within this attribute) and number for a value.

        Raises:
            InvalidInput: If the value has the wrong type or is out of range.
        """
        if self.kind == "boolean":
            if not isinstance(value, bool):
                raise InvalidInput(f"expected true or false, got a {type(value).__name__}", field=f"attributes.{name}")
            return 0, float(value)
        if self.kind == "number":
            return 0, self._scaled(name, value)
        if not isinstance(value, str):
            raise InvalidInput(f"expected a string, got a {type(value).__name__}", field=f"attributes.{name}")
        if self.kind == "hashed":
            return int.from_bytes(hashlib.blake2b(value.encode(), digest_size=8).digest(), "little") % self.buckets, 1.0
        return (self.vocabulary.index(value) if value in self.vocabulary else len(self.vocabulary)), 1.0

    def _scaled(self, name: str, value: Scalar) -> float:
        if isinstance(value, bool | str):
            raise InvalidInput(f"expected a number, got a {type(value).__name__}", field=f"attributes.{name}")
        if not self.low <= value <= self.high:
            raise InvalidInput(
                f"expected a number from {self.low:g} to {self.high:g}, got {value:g}; correct it or widen the schema",
                field=f"attributes.{name}",
            )
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Schema:
    """What a campaign knows of a shopper: an embedding of fixed dimension and typed attributes.

    The columns are a closed set, known before learning: `user_columns` lists them, U first, then X by attribute name,
    so that files which reorder keys still mean the same columns.
    """

    dimension: int = 0
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    user_columns: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _offsets: Mapping[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.dimension <= 4096:
            raise ConfigError(f"expected a dimension from 0 to 4096, got {self.dimension}", field="schema.dimension")
        columns = [f"U^u{i}" for i in range(self.dimension)]
        offsets: dict[str, int] = {}
        for name, attribute in sorted(self.attributes.items()):
            offsets[name] = len(columns)
            columns += (f"X^{column}" for column in attribute.columns(name))
        object.__setattr__(self, "user_columns", tuple(columns))
        object.__setattr__(self, "_offsets", offsets)

    def encode_many(self, embeddings: np.ndarray, attributes: Sequence[Mapping[str, Scalar]]) -> np.ndarray:
        """Many shoppers as rows of the user columns; each row as `encode` gives it.

        Args:
            embeddings: Shape (n, dimension), float32.
            attributes: n mappings; those that are one object are worked out once.

        Returns:
            Shape (n, len(user_columns)), float32.

        Raises:
            InvalidInput: As `encode` does; the field names the row.
        """
        rows = np.zeros((len(attributes), len(self.user_columns)), dtype=np.float32)
        if self.dimension:
            rows[:, : self.dimension] = embeddings
            # NaN fails the comparison.
            if len(rows) and not np.abs(rows).max() <= LARGEST:
                bad = int(np.argmin((np.abs(embeddings) <= LARGEST).all(axis=1)))
                raise InvalidInput(
                    f"expected finite numbers from {-LARGEST:g} to {LARGEST:g}", field=f"embeddings[{bad}]"
                )
        distinct = Repeated.of(attributes)
        known = np.zeros((len(distinct.values), len(self.user_columns) - self.dimension), dtype=np.float32)
        for i, row in enumerate(distinct.values):
            for name, value in row.items():
                column, amount = self._place(name, value)
                known[i, column - self.dimension] = amount
        rows[:, self.dimension :] = known[distinct.which]
        return rows

    def _place(self, name: str, value: Scalar) -> tuple[int, float]:
        attribute = self.attributes.get(name)
        if attribute is None:
            known = ", ".join(sorted(self.attributes)) or "none"
            raise InvalidInput(f"not in the campaign's schema (known: {known})", field=f"attributes.{name}")
        column, number = attribute.place(name, value)
        return self._offsets[name] + column, number

    def encode(self, embedding: np.ndarray, attributes: Mapping[str, Scalar]) -> np.ndarray:
        """The shopper as a row of the user columns.

        Args:
            embedding: Shape (dimension,), entries up to `LARGEST` in size.
            attributes: Values by name; an absent attribute has all its columns zero.

        Returns:
            Shape (len(user_columns),), float32.

        Raises:
            InvalidInput: Naming the field, for a wrong dimension, a non-finite number, an unknown attribute, a wrong
                type or a value out of range.
        """
        row = np.zeros(len(self.user_columns), dtype=np.float32)
        if len(embedding) != self.dimension:
            raise InvalidInput(f"expected {self.dimension} numbers, got {len(embedding)}", field="embedding")
        if self.dimension:
            vector = row[: self.dimension]
            vector[:] = embedding
            # NaN fails the comparison.
            if not np.abs(vector).max() <= LARGEST:
                raise InvalidInput(f"expected finite numbers from {-LARGEST:g} to {LARGEST:g}", field="embedding")
        for name, value in attributes.items():
            column, number = self._place(name, value)
            row[column] = number
        return row
