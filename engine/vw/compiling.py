"""Reading a learned Vowpal Wabbit model out into tables, and checking the tables against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import orjson

from engine.core.compiled import CompiledModel
from engine.core.errors import ConfigError, LearningError
from engine.core.feature import ARM_SIDE, USER_SIDE, Feature
from engine.core.learning import LearningOptions
from engine.core.schema import Schema
from engine.vw.arguments import vw_arguments, weights_per_problem
from engine.vw.example import ExampleWriter
from engine.vw.model_file import checked_model
from engine.vw.workspace import Workspace

_FNV_PRIME = np.uint32(16777619)
_CONSTANT = 11650396
"""Vowpal Wabbit's fixed hash of the intercept."""

_MOST_WEIGHTS = 1 << 27
_LARGEST_DIFFERENCE = 1e-5


def compile_model(
    model_bytes: bytes, options: LearningOptions, schema: Schema, arm_features: Iterable[Feature]
) -> CompiledModel:
    """Read a saved model out into tables.

    Weights are looked up by hash, exactly as Vowpal Wabbit finds them, so that features which collide share one.

    Args:
        model_bytes: From `VwLearner.to_bytes`.
        options: What it was learned with.
        schema: Names the user columns.
        arm_features: Features of the catalogue; repeats and values do not matter.

    Raises:
        ConfigError: If the options cannot be compiled.
        CorruptState: If the bytes are no whole model.
        LearningError: If they were learned with other options, or the tables would be too large.
    """
    if options.served_through_vw:
        raise ConfigError("set it to false to serve from compiled tables", field="served_through_vw")
    checked_model(model_bytes, options)
    # Opened for testing only, the weights are brought up to date with l1 and l2 when they are loaded; opened for
    # learning, VW applies what is outstanding at each use, and the table would read wrong.
    workspace = Workspace([*vw_arguments(options), "--testonly"], model_bytes)
    try:
        features = _by_namespace(arm_features)
        table = _WeightTable.read(workspace, options)
        return _Compiler(table, _hashes(workspace, schema, features), options, schema, features).compile()
    finally:
        workspace.close()


def check_compiled(
    model_bytes: bytes,
    options: LearningOptions,
    schema: Schema,
    compiled: CompiledModel,
    catalogue_features: Sequence[tuple[Feature, ...]],
    *,
    seed: int,
    n: int = 256,
) -> float:
    """Compare scores of random (context, arm) pairs with Vowpal Wabbit; every publish does.

    Args:
        model_bytes: What `compiled` was read from.
        options: What it was learned with.
        schema: Names the user columns.
        compiled: The tables to check.
        catalogue_features: Features of each arm, in the order of `Catalogue.arms`.
        seed: Of the pairs.
        n: How many.

    Returns:
        The largest absolute difference, in units of the scaled cost. Where the terms of a score add up to more than 1
        in size, as they do with features far from unit scale, it is relative to that: Vowpal Wabbit adds float32.

    Raises:
        LearningError: Above 1e-5.
    """
    rng = np.random.default_rng(seed)
    arms = [catalogue_features[i] for i in rng.integers(len(catalogue_features), size=n)]
    rows = _random_rows(rng, schema, n)
    costs = compiled.matrix(arms).costs(rows)
    sizes = _sizes(compiled, arms, rows)
    writer = ExampleWriter(schema)
    workspace = Workspace([*vw_arguments(options), "--testonly"], model_bytes)
    worst = 0.0
    for i in range(n):
        (truth,) = workspace.predict(writer.unlabelled(rows[i], [arms[i]]))
        difference = abs(truth - costs[i, i]) / max(1.0, sizes[i, i])
        worst = max(worst, difference if np.isfinite(difference) else np.inf)
    workspace.close()
    if worst > _LARGEST_DIFFERENCE:
        raise LearningError(
            f"compiled scores differ from Vowpal Wabbit's by up to {worst:.3g}, allowed is {_LARGEST_DIFFERENCE:g};"
            " nothing was published. Rebuild the model; if it persists, set served_through_vw"
        )
    return float(worst)


def _sizes(model: CompiledModel, arms: Sequence[tuple[Feature, ...]], rows: np.ndarray) -> np.ndarray:
    """Sum of the absolute terms of each score, shape (n, k): the scale of its rounding error."""
    absolute = CompiledModel(
        model.columns,
        model.features,
        abs(model.constant),
        np.abs(model.user),
        *(
            {letters: np.abs(table) for letters, table in tables.items()}
            for tables in (model.linear, model.rows, model.products, model.product_rows)
        ),
    )
    positive = [tuple(replace(f, value=abs(f.value)) for f in arm) for arm in arms]
    return absolute.matrix(positive).costs(np.abs(rows))


def _random_rows(rng: np.random.Generator, schema: Schema, n: int) -> np.ndarray:
    rows = rng.normal(size=(n, len(schema.user_columns))).astype(np.float32)
    attributes = rows[:, schema.dimension :]
    attributes *= rng.random(attributes.shape) < 0.3
    return rows


def _by_namespace(arm_features: Iterable[Feature]) -> dict[str, tuple[str, ...]]:
    keys = {(feature.namespace, feature.key) for feature in arm_features}
    return {letter: tuple(sorted(key for n, key in keys if n == letter)) for letter in ARM_SIDE}


def _hashes(workspace: Workspace, schema: Schema, features: dict[str, tuple[str, ...]]) -> dict[str, np.ndarray]:
    columns = {letter: tuple(c for c in schema.user_columns if c.startswith(f"{letter}^")) for letter in USER_SIDE}
    return {
        letter: np.array(workspace.hashes(letter, [key[2:] for key in keys]), dtype=np.uint64).astype(np.uint32)
        for letter, keys in (columns | features).items()
    }


@dataclass(frozen=True, slots=True)
class _WeightTable:
    """All weights that are not zero, ordered by their index.

    Attributes:
        index: Shape (w,), uint32.
        value: Shape (w,), float32.
        mask: Number of weights less one.
        stride: Weights per problem.
    """

    index: np.ndarray
    value: np.ndarray
    mask: int
    stride: int

    @classmethod
    def read(cls, workspace: Workspace, options: LearningOptions) -> _WeightTable:
        entries = orjson.loads(workspace.json_weights())["weights"]
        index = np.array([entry["index"] for entry in entries], dtype=np.uint32)
        value = np.array([entry["value"] for entry in entries], dtype=np.float32)
        order = np.argsort(index)
        return cls(index[order], value[order], (1 << options.bits) - 1, weights_per_problem(options))

    def lookup(self, hashes: np.ndarray) -> np.ndarray:
        """Weights of already multiplied hashes, in their shape."""
        wanted = hashes & np.uint32(self.mask)
        if not len(self.index):
            return np.zeros(wanted.shape, dtype=np.float32)
        at = np.minimum(np.searchsorted(self.index, wanted), len(self.index) - 1)
        return np.where(self.index[at] == wanted, self.value[at], np.float32(0))


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Fills the tables of a `CompiledModel`."""

    table: _WeightTable
    hashes: dict[str, np.ndarray]
    options: LearningOptions
    schema: Schema
    features: dict[str, tuple[str, ...]]

    def compile(self) -> CompiledModel:
        linear = {letter: self._linear(letter) for letter in ARM_SIDE if self.features[letter]}
        rows: dict[str, np.ndarray] = {}
        products: dict[str, np.ndarray] = {}
        for interaction in self.options.interactions:
            letters = "".join(sorted((c for c in interaction if c in ARM_SIDE), key=ARM_SIDE.index))
            if not all(self.features[letter] for letter in letters):
                continue
            user = "".join(c for c in interaction if c in USER_SIDE)
            target = rows if user else products
            weights = self._product(interaction, letters, user)
            target[letters] = target[letters] + weights if letters in target else weights
        return CompiledModel(
            self.schema.user_columns,
            {letter: keys for letter, keys in self.features.items() if keys},
            self._constant(),
            np.concatenate([self._linear(letter) for letter in USER_SIDE]),
            linear,
            {letters: table for letters, table in rows.items() if len(letters) == 1},
            products,
            {letters: table for letters, table in rows.items() if len(letters) == 2},
        )

    def _constant(self) -> float:
        if not self.options.constant:
            return 0.0
        return float(self.table.lookup(self._multiplied(np.array([_CONSTANT], dtype=np.uint32)))[0])

    def _linear(self, letter: str) -> np.ndarray:
        if letter in self.options.ignored_linear:
            return np.zeros(len(self.hashes[letter]), dtype=np.float32)
        return self.table.lookup(self._multiplied(self.hashes[letter]))

    def _product(self, interaction: str, letters: str, user: str) -> np.ndarray:
        """Weights of one interaction; one axis per arm-side namespace in the order of `letters`, user columns last.

        Hashes are combined from left to right in the order in which the interaction is written:
        h ← (h ⊕ hᵢ) · 16777619, and the last one by ⊕ alone (32-bit FNV; the mask comes after).
        """
        axes = letters + user
        sizes = [len(self.hashes[letter]) for letter in axes]
        if np.prod(sizes, dtype=np.float64) > _MOST_WEIGHTS:
            raise LearningError(
                f"interaction {interaction!r} has {np.prod(sizes, dtype=np.float64):.3g} weights in this catalogue,"
                f" {_MOST_WEIGHTS} can be compiled; drop it"
            )
        combined = np.zeros((1,) * len(axes), dtype=np.uint32)
        for i, letter in enumerate(interaction):
            shape = [1] * len(axes)
            shape[axes.index(letter)] = -1
            combined = combined ^ self._multiplied(self.hashes[letter]).reshape(shape)
            if i < len(interaction) - 1:
                combined = combined * _FNV_PRIME
        weights = self.table.lookup(combined)
        return self._widened(weights, user) if user else weights

    def _widened(self, weights: np.ndarray, user: str) -> np.ndarray:
        """Put the columns of one user-side namespace at their place among all."""
        result = np.zeros((*weights.shape[:-1], len(self.schema.user_columns)), dtype=np.float32)
        start = 0 if user == USER_SIDE[0] else self.schema.dimension
        result[..., start : start + weights.shape[-1]] = weights
        return result

    def _multiplied(self, hashes: np.ndarray) -> np.ndarray:
        return hashes * np.uint32(self.table.stride)
