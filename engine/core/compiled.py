"""A learned linear model as plain tables, and its product with a catalogue: scoring without Vowpal Wabbit."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from engine.core.archive import read_arrays
from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion
from engine.core.feature import ARM_SIDE, Feature

_SCHEMA = "armsreach.compiled"
_VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class CompiledModel:
    """What `compiled.npz` holds: one row of weights per arm-side feature, and tables for products of them.

    A feature that was unknown when the model was compiled weighs nothing, as it would in a model that never saw it.
    Predictions are sums; Vowpal Wabbit does not clip the scores of `--cb_adf`, so there is no clip here either.

    Attributes:
        columns: Keys of the user columns, in the order of `Schema.user_columns`; d of them.
        features: Namespace → keys of its arm-side features.
        constant: Intercept of every arm.
        user: Shape (d,), float32; moves all arms alike.
        linear: Namespace → shape (m,), float32.
        rows: Namespace → shape (m, d), float32: user × feature.
        products: Namespaces of a product, in the order of `ARM_SIDE` → shape (m₁, …, mᵣ), float32.
        product_rows: Namespaces of a pair → shape (m₁, m₂, d), float32: user × feature × feature.
    """

    columns: tuple[str, ...]
    features: Mapping[str, tuple[str, ...]]
    constant: float
    user: np.ndarray
    linear: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]
    products: Mapping[str, np.ndarray]
    product_rows: Mapping[str, np.ndarray]

    def matrix(self, arms: Sequence[tuple[Feature, ...]]) -> ScoringMatrix:
        """Derive the scoring matrix of a catalogue.

        Args:
            arms: Features of each arm, k of them; see `Catalogue.features`.
        """
        groups = _Groups.of(self.features, arms)
        d = len(self.columns)
        rows = np.tile(self.user.astype(np.float64), (len(arms), 1))
        biases = np.full(len(arms), self.constant, dtype=np.float64)
        for letter in self.linear:
            combinations, arm_of = groups.combinations(letter)
            biases += groups.sums(letter, combinations, self.linear[letter])[arm_of]
            if d and letter in self.rows:
                rows += groups.sums(letter, combinations, self.rows[letter])[arm_of]
        for letters, table in self.products.items():
            combinations, arm_of = groups.combinations(letters)
            biases += groups.sums(letters, combinations, table)[arm_of]
        for letters, table in self.product_rows.items():
            combinations, arm_of = groups.combinations(letters)
            rows += groups.sums(letters, combinations, table)[arm_of]
        return ScoringMatrix(self, tuple(arms), rows.astype(np.float32), biases)

    def to_bytes(self) -> bytes:
        """The model as an npz archive; equal models give equal bytes."""
        arrays = {"user": self.user}
        for name, tables in self._tables().items():
            arrays |= {f"{name}.{letters}": table for letters, table in tables.items()}
        about = {
            "schema": _SCHEMA,
            "version": _VERSION,
            "columns": self.columns,
            "features": dict(self.features),
            "constant": self.constant,
            "arrays": sorted(arrays),
        }
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> CompiledModel:
        """Read what `to_bytes` wrote.

        Raises:
            UnsupportedVersion: If a newer armsreach wrote it.
            CorruptState: If it is not such an archive, or a damaged one.
        """
        try:
            arrays = read_arrays(data)
            about = json.loads(arrays.pop("about").tobytes())
            schema, version = about["schema"], int(about["version"])
        except Exception as error:  # numpy and zipfile have a dozen kinds of exception for damaged bytes
            raise CorruptState("expected a compiled model (npz); publish the model again") from error
        if schema != _SCHEMA:
            raise CorruptState(f"expected schema {_SCHEMA}, got {str(schema)[:64]!r}; publish the model again")
        if version > _VERSION:
            raise UnsupportedVersion(f"compiled model of version {version}, known up to {_VERSION}; upgrade armsreach")
        model = cls._assembled(about, arrays)
        model._check_shapes()
        return model

    @classmethod
    def _assembled(cls, about: Mapping[str, object], arrays: dict[str, np.ndarray]) -> CompiledModel:
        tables: dict[str, dict[str, np.ndarray]] = {n: {} for n in ("linear", "rows", "products", "product_rows")}
        try:
            if sorted(arrays) != about["arrays"]:
                raise ValueError("an array is missing")
            user = arrays.pop("user")
            for name, array in arrays.items():
                kind, letters = name.split(".")
                tables[kind][letters] = array
            features = {k: tuple(v) for k, v in about["features"].items()}  # type: ignore[attr-defined]
            constant = float(about["constant"])  # type: ignore[arg-type]
            return cls(tuple(about["columns"]), features, constant, user, **tables)  # type: ignore[arg-type]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptState(
                "a table of the compiled model is missing or strange; publish the model again"
            ) from error

    def _tables(self) -> dict[str, Mapping[str, np.ndarray]]:
        return {
            "linear": self.linear,
            "rows": self.rows,
            "products": self.products,
            "product_rows": self.product_rows,
        }

    def _check_shapes(self) -> None:
        d = len(self.columns)
        expected: dict[str, tuple[np.ndarray, tuple[int, ...]]] = {"user": (self.user, (d,))}
        for name, tables in self._tables().items():
            last = (d,) if name.endswith("rows") else ()
            for letters, table in tables.items():
                sizes = tuple(len(self.features.get(letter, ())) for letter in letters)
                expected[f"{name}.{letters}"] = (table, sizes + last)
        for name, (table, shape) in expected.items():
            if table.shape != shape or table.dtype != np.float32 or not np.isfinite(table).all():
                raise CorruptState(
                    f"table {name}: expected finite float32 {shape}, got {table.dtype} {table.shape}; publish again"
                )


@dataclass(frozen=True, slots=True, eq=False)
class ScoringMatrix:
    """A compiled model times a catalogue.

    Attributes:
        model: What it was derived from.
        arms: Features of each arm.
        rows: Shape (k, d), float32.
        biases: Shape (k,), float64: what an arm costs before anything is known of the shopper.
    """

    model: CompiledModel = field(repr=False)
    arms: tuple[tuple[Feature, ...], ...] = field(repr=False)
    rows: np.ndarray
    biases: np.ndarray

    def costs(self, rows: np.ndarray) -> np.ndarray:
        """Predict the cost of every arm for every shopper.

        `np.einsum` adds up each score by itself, so that a shopper gets the same bits alone and in any batch; BLAS
        picks other orders of addition for other batch sizes.

        Args:
            rows: Shape (n, d), float32, from `Schema.encode`.

        Returns:
            Shape (n, k), float64; lower is better.

        Raises:
            InvalidInput: If the shape is wrong.
        """
        if rows.ndim != 2 or rows.shape[1] != self.rows.shape[1]:
            raise InvalidInput(f"expected shape (n, {self.rows.shape[1]}), got {rows.shape}", field="rows")
        x = np.ascontiguousarray(rows, dtype=np.float32)
        return np.asarray(np.einsum("nd,kd->nk", x, self.rows) + self.biases)

    def contributions(self, row: np.ndarray, arm: int) -> list[tuple[str, float]]:
        """Split one predicted cost into what each feature and interaction adds, the largest first.

        The dimensions of the user embedding mean nothing one by one, so they are summed to one term `U`;
        attributes stand alone. The terms add up to the score, but for rounding.

        Args:
            row: Shape (d,), float32.
            arm: Index into `arms`.
        """
        terms = {"constant": self.model.constant}
        self._add_users(terms, row, self.model.user, "", 1.0)
        for letters, table, is_row in self._parts():
            for chosen in product(*([f for f in self.arms[arm] if f.namespace == x] for x in letters)):
                index = _positions(self.model.features, chosen)
                if index is None:
                    continue
                key = "*".join(feature.key for feature in chosen)
                value = float(np.prod([feature.value for feature in chosen]))
                if is_row:
                    self._add_users(terms, row, table[index], f"*{key}", value)
                else:
                    terms[key] = terms.get(key, 0.0) + value * float(table[index])
        return sorted(((k, v) for k, v in terms.items() if v), key=lambda term: (-abs(term[1]), term[0]))

    def _parts(self) -> list[tuple[str, np.ndarray, bool]]:
        return [
            (letters, table, name.endswith("rows"))
            for name, tables in self.model._tables().items()
            for letters, table in tables.items()
        ]

    def _add_users(
        self, terms: dict[str, float], row: np.ndarray, weights: np.ndarray, suffix: str, value: float
    ) -> None:
        for i in np.flatnonzero((row != 0) & (weights != 0)):
            column = self.model.columns[i]
            key = ("U" if column.startswith("U^") else column) + suffix
            terms[key] = terms.get(key, 0.0) + float(row[i]) * float(weights[i]) * value


def _positions(features: Mapping[str, tuple[str, ...]], chosen: Sequence[Feature]) -> tuple[int, ...] | None:
    try:
        return tuple(features[f.namespace].index(f.key) for f in chosen)
    except (KeyError, ValueError):
        return None


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Arms by their features in each namespace: a thousand arms share a handful of channels.

    Attributes:
        of_arm: Namespace → shape (k,), which group each arm belongs to.
        positions: Namespace → shape (g, p), the features of each group; unknown ones have value 0.
        values: Namespace → shape (g, p), their values, 0 as padding.
    """

    of_arm: dict[str, np.ndarray]
    positions: dict[str, np.ndarray]
    values: dict[str, np.ndarray]

    @classmethod
    def of(cls, features: Mapping[str, tuple[str, ...]], arms: Sequence[tuple[Feature, ...]]) -> _Groups:
        groups: dict[str, dict[tuple[int, ...], list[Feature]]] = {letter: {} for letter in ARM_SIDE}
        number: dict[str, dict[tuple[int, ...], int]] = {letter: {} for letter in ARM_SIDE}
        of_arm = {letter: np.empty(len(arms), dtype=np.int64) for letter in ARM_SIDE}
        for i, arm in enumerate(arms):
            parts: dict[str, list[Feature]] = {letter: [] for letter in ARM_SIDE}
            for feature in arm:
                parts[feature.namespace].append(feature)
            for letter, part in parts.items():
                # Arms of one variant share its feature objects, and comparing identities beats comparing values.
                key = tuple(map(id, part))
                groups[letter].setdefault(key, part)
                of_arm[letter][i] = number[letter].setdefault(key, len(number[letter]))
        positions, values = {}, {}
        for letter, members in groups.items():
            lookup = {key: j for j, key in enumerate(features.get(letter, ()))}
            positions[letter], values[letter] = _padded(list(members.values()), lookup)
        return cls(of_arm, positions, values)

    def combinations(self, letters: str) -> tuple[np.ndarray, np.ndarray]:
        """Distinct combinations of groups, shape (c, r), and the one of each arm, shape (k,)."""
        stacked = np.stack([self.of_arm[letter] for letter in letters], axis=1)
        combinations, arm_of = np.unique(stacked, axis=0, return_inverse=True)
        return combinations, arm_of.reshape(-1)

    def sums(self, letters: str, combinations: np.ndarray, table: np.ndarray) -> np.ndarray:
        """Add up a table over the features of each combination; shape (c,) or (c, d), float64."""
        result = np.zeros((len(combinations), *table.shape[len(letters) :]))
        if not all(table.shape[: len(letters)]):
            return result
        tail = (1,) * (result.ndim - 1)
        for places in product(*(range(self.positions[letter].shape[1]) for letter in letters)):
            weight = np.ones(len(combinations))
            index = []
            for axis, (letter, place) in enumerate(zip(letters, places, strict=True)):
                weight = weight * self.values[letter][combinations[:, axis], place]
                index.append(self.positions[letter][combinations[:, axis], place])
            result += weight.reshape(-1, *tail) * table[tuple(index)]
        return result


def _padded(groups: list[list[Feature]], lookup: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    known = [[(lookup[f.key], f.value) for f in group if f.key in lookup] for group in groups]
    width = max(map(len, known), default=0)
    positions = np.zeros((len(groups), width), dtype=np.int64)
    values = np.zeros((len(groups), width))
    for g, members in enumerate(known):
        for p, (position, value) in enumerate(members):
            positions[g, p] = position
            values[g, p] = np.float32(value)
    return positions, values
