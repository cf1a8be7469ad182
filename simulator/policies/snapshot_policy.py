"""A published snapshot as a policy: what it would have done on the log's decisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.compiled import CompiledModel
from engine.core.errors import CorruptState, InvalidInput, NotFound
from engine.core.exploration import ExplorationOptions
from engine.core.feature import Feature
from engine.core.learning import LearningOptions
from engine.core.policy import ModelPolicy, Policy
from engine.core.reading import read
from engine.core.schema import Schema
from engine.store import Manifest, Snapshot, SnapshotStore
from engine.vw import VwLearner, VwPolicy
from simulator.arrays import BoolArray
from simulator.log import HOLD, NO_TIME, Log
from simulator.policies.arm_features import arm_cell, arm_features
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.policies.schema_rows import schema_rows
from simulator.timestamps import microseconds

__all__ = ["TRAINED_ON", "SnapshotPolicy"]

TRAINED_ON = "trained_on_these_rows"
_NOT_OPTIONS = ("t", "spread", "gamma")


class SnapshotPolicy:
    """Scores the log's own eligible arms with the snapshot's compiled model, exploration and floor.

    It is judged only on rows decided after the snapshot's watermark: the moment by which the horizon of the last
    decision that it learned had passed. On earlier rows it would be praised for what it was told.

    Args:
        path: Folder of one version, or of a campaign, whose current version is then taken.
    """

    refusal = TRAINED_ON

    def __init__(self, path: str) -> None:
        self._path = path
        self._loaded: Snapshot | None = None
        self._made: tuple[tuple[str, ...], Policy, Schema, NDArray[np.int64]] | None = None

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"snapshot:{self._path}"

    def answer(self, log: Log) -> PolicyAnswer:
        """Give the probabilities with which the snapshot would have drawn.

        Raises:
            NotFound: When there is no snapshot at the path.
            CorruptState: When it is damaged, or was written by a newer armsreach.
            InvalidInput: When the log's arms or contexts are not what the snapshot knows.
        """
        policy, schema, column_of = self._policy_for(log)
        common, rows = log.common_eligible, schema_rows(schema, log, self.spec)
        if common is not None:
            eligible = np.zeros((log.rows, column_of.size), dtype=bool)
            eligible[:, column_of[common]] = True
            answered = policy.probabilities(rows, eligible)[:, column_of[common]].ravel()
        else:
            row, column = log.row_of, column_of[log.eligible]
            eligible = np.zeros((log.rows, column_of.size), dtype=bool)
            eligible[row, column] = True
            answered = policy.probabilities(rows, eligible)[row, column]
        return PolicyAnswer.everywhere(log, answered)

    def _policy_for(self, log: Log) -> tuple[Policy, Schema, NDArray[np.int64]]:
        """Make the policy over the arms of the log, once; `hold` is its first column."""
        hold = log.code(HOLD)
        holds = np.zeros(log.rows, dtype=bool) if hold is None else log.row_sums((log.eligible == hold) * 1.0) > 0
        if hold is None or not holds.all():
            row = log.decision_ids[int(np.flatnonzero(~holds)[0])]
            raise InvalidInput(
                f"expected `hold` among the eligible arms of every row, since the snapshot may always hold; got "
                f"{row!r} without it",
                field=self.spec,
            )
        if self._made is None or self._made[0] != log.arms:
            codes = np.array([hold, *(code for code in range(len(log.arms)) if code != hold)], dtype=np.int64)
            policy, schema = self._policy(self._snapshot(), log, codes)
            column_of = np.empty(codes.size, dtype=np.int64)
            column_of[codes] = np.arange(codes.size)
            self._made = log.arms, policy, schema, column_of
        return self._made[1:]

    def _snapshot(self) -> Snapshot:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def judges(self, log: Log) -> BoolArray:
        """Take the rows decided after the snapshot's watermark."""
        return _unseen(log, self._snapshot().manifest)

    def told(self, judged: int, left_out: int) -> tuple[str, ...]:
        """Say what the watermark leaves."""
        return (f"the snapshot is judged on the {judged} decisions after its training, not on {left_out} before",)

    def _load(self) -> Snapshot:
        folder = Path(self._path).resolve()
        if (folder / "manifest.json").exists():
            return SnapshotStore(folder.parent.parent, folder.parent.name).load(folder.name)
        store = SnapshotStore(folder.parent, folder.name)
        current = store.current()
        if current is None:
            raise NotFound(f"{self._path}: expected a snapshot or a campaign's folder with `current`; check the path")
        return store.load(current.version)

    def _policy(self, snapshot: Snapshot, log: Log, codes: NDArray[np.int64]) -> tuple[Policy, Schema]:
        manifest = snapshot.manifest
        schema = read(Schema, manifest.feature_schema, "feature_schema", file=f"{self._path}/manifest.json")
        names = [log.arms[code] for code in codes]
        features = [arm_features(log, name) for name in names]
        cells: dict[tuple[str, str], int] = {}
        cell = np.array([0, *(1 + cells.setdefault(arm_cell(log, name), len(cells)) for name in names[1:])])
        rule = {name: value for name, value in manifest.exploration.items() if name not in _NOT_OPTIONS}
        options = read(ExplorationOptions, rule, "exploration", file=f"{self._path}/manifest.json")
        explorer = options.explorer({name: column for column, name in enumerate(names)})
        spread, t = float(manifest.exploration["spread"]), manifest.learned
        if manifest.vw.get("served_through_vw"):
            learning = read(LearningOptions, manifest.vw["learning"], "vw.learning", file=f"{self._path}/manifest.json")
            learner = VwLearner.from_bytes(learning, schema, snapshot.model)
            return VwPolicy(options.label, learner, features, explorer, options.floor, cell, spread, t), schema
        compiled = CompiledModel.from_bytes(snapshot.compiled)
        if schema.user_columns != tuple(compiled.columns):
            raise CorruptState(f"{self._path}: model and manifest have other columns; publish the model again")
        self._check_features(compiled, names, features)
        matrix = compiled.matrix(features)
        return ModelPolicy(options.label, matrix, explorer, options.floor, cell, spread, t), schema

    def _check_features(self, compiled: CompiledModel, names: list[str], features: list[tuple[Feature, ...]]) -> None:
        known = {key for keys in compiled.features.values() for key in keys}
        for name, own in zip(names, features, strict=True):
            if name != HOLD and not any(feature.key in known for feature in own):
                raise InvalidInput(
                    f"expected arms with features that the snapshot knows, got {name!r} with none; describe the arms "
                    "in the log's catalogue, or take a snapshot of this campaign",
                    field=self.spec,
                )


def _unseen(log: Log, manifest: Manifest) -> BoolArray:
    if manifest.watermark is None:
        return np.ones(log.rows, dtype=bool)
    watermark = microseconds(manifest.watermark.isoformat())
    if watermark is None:
        raise CorruptState(f"manifest.watermark: expected an RFC 3339 time, got {manifest.watermark}")
    return np.asarray((log.decided_at != NO_TIME) & (log.decided_at > watermark))
