"""A published snapshot as a policy: what it would have done on the log's decisions."""

from __future__ import annotations

from dataclasses import dataclass
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
from simulator.arrays import BoolArray, FloatArray
from simulator.log import HOLD, NO_TIME, Log
from simulator.policies.arm_features import arm_cell, arm_features
from simulator.policies.evaluation_policy import PolicyAnswer
from simulator.timestamps import microseconds

__all__ = ["TRAINED_ON", "SnapshotPolicy"]

TRAINED_ON = "trained_on_these_rows"
_CHUNK = 4096
_NOT_OPTIONS = ("t", "spread", "gamma")


@dataclass(frozen=True, slots=True)
class SnapshotPolicy:
    """Scores the log's own eligible arms with the snapshot's compiled model, exploration and floor.

    It is judged only on rows decided after the snapshot's watermark: the moment by which the horizon of the last
    decision that it learned had passed. On earlier rows it would be praised for what it was told.

    Attributes:
        path: Folder of one version, or of a campaign, whose current version is then taken.
    """

    path: str

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"snapshot:{self.path}"

    def answer(self, log: Log) -> PolicyAnswer:
        """Give the probabilities with which the snapshot would have drawn.

        Raises:
            NotFound: When there is no snapshot at the path.
            CorruptState: When it is damaged, or was written by a newer armsreach.
            InvalidInput: When the log's arms or contexts are not what the snapshot knows.
        """
        snapshot = self._load()
        codes = self._arms(log)
        policy, schema = self._policy(snapshot, log, codes)
        probabilities: FloatArray = np.zeros(log.eligible.size)
        column_of = np.full(len(log.arms), -1, dtype=np.int64)
        column_of[codes] = np.arange(len(codes))
        row_of = log.row_of
        for start in range(0, log.rows, _CHUNK):
            rows = np.arange(start, min(start + _CHUNK, log.rows))
            flat = slice(int(log.offsets[rows[0]]), int(log.offsets[rows[-1] + 1]))
            row, column = row_of[flat] - start, column_of[log.eligible[flat]]
            eligible = np.zeros((rows.size, len(codes)), dtype=bool)
            eligible[row, column] = True
            probabilities[flat] = policy.probabilities(self._encoded(log, schema, rows), eligible)[row, column]
        judged = _unseen(log, snapshot.manifest)
        refusals = () if judged.any() else (TRAINED_ON,)
        fallback = np.zeros(log.rows, dtype=bool)
        return PolicyAnswer(probabilities, fallback, judged, notes=(_told(log, judged),), refusals=refusals)

    def _load(self) -> Snapshot:
        folder = Path(self.path).resolve()
        if (folder / "manifest.json").exists():
            return SnapshotStore(folder.parent.parent, folder.parent.name).load(folder.name)
        store = SnapshotStore(folder.parent, folder.name)
        current = store.current()
        if current is None:
            raise NotFound(f"{self.path}: expected a snapshot or a campaign's folder with `current`; check the path")
        return store.load(current.version)

    def _arms(self, log: Log) -> NDArray[np.int64]:
        """List the arms that are eligible anywhere, `hold` first, as indices into `log.arms`."""
        hold = log.code(HOLD)
        holds = np.zeros(log.rows, dtype=bool) if hold is None else log.row_sums((log.eligible == hold) * 1.0) > 0
        if hold is None or not holds.all():
            row = log.decision_ids[int(np.flatnonzero(~holds)[0])]
            raise InvalidInput(
                f"expected `hold` among the eligible arms of every row, since the snapshot may always hold; got "
                f"{row!r} without it",
                field=self.spec,
            )
        return np.array([hold, *(code for code in np.unique(log.eligible) if code != hold)], dtype=np.int64)

    def _policy(self, snapshot: Snapshot, log: Log, codes: NDArray[np.int64]) -> tuple[Policy, Schema]:
        manifest = snapshot.manifest
        schema = read(Schema, manifest.feature_schema, "feature_schema", file=f"{self.path}/manifest.json")
        names = [log.arms[code] for code in codes]
        features = [arm_features(log, name) for name in names]
        cells: dict[tuple[str, str], int] = {}
        cell = np.array([0, *(1 + cells.setdefault(arm_cell(log, name), len(cells)) for name in names[1:])])
        rule = {name: value for name, value in manifest.exploration.items() if name not in _NOT_OPTIONS}
        options = read(ExplorationOptions, rule, "exploration", file=f"{self.path}/manifest.json")
        explorer = options.explorer({name: column for column, name in enumerate(names)})
        spread, t = float(manifest.exploration["spread"]), manifest.learned
        if manifest.vw.get("served_through_vw"):
            learning = read(LearningOptions, manifest.vw["learning"], "vw.learning", file=f"{self.path}/manifest.json")
            learner = VwLearner.from_bytes(learning, schema, snapshot.model)
            return VwPolicy(options.label, learner, features, explorer, options.floor, cell, spread, t), schema
        compiled = CompiledModel.from_bytes(snapshot.compiled)
        if schema.user_columns != tuple(compiled.columns):
            raise CorruptState(f"{self.path}: model and manifest have other columns; publish the model again")
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

    def _encoded(self, log: Log, schema: Schema, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Encode contexts as the server does; attributes outside the snapshot's schema are not read."""
        none = np.zeros(0, dtype=np.float32)
        columns = {name: log.context[name] for name in schema.attributes if name in log.context}
        encoded = np.empty((rows.size, len(schema.user_columns)), dtype=np.float32)
        for place, row in enumerate(rows):
            attributes = {name: values[row] for name, values in columns.items() if values[row] is not None}
            try:
                encoded[place] = schema.encode(none if log.embedding is None else log.embedding[row], attributes)
            except InvalidInput as error:
                raise InvalidInput(
                    f"decision {log.decision_ids[row]!r} does not fit the snapshot's schema: {error}", field=self.spec
                ) from error
        return encoded


def _unseen(log: Log, manifest: Manifest) -> BoolArray:
    if manifest.watermark is None:
        return np.ones(log.rows, dtype=bool)
    watermark = microseconds(manifest.watermark.isoformat())
    if watermark is None:
        raise CorruptState(f"manifest.watermark: expected an RFC 3339 time, got {manifest.watermark}")
    return np.asarray((log.decided_at != NO_TIME) & (log.decided_at > watermark))


def _told(log: Log, judged: BoolArray) -> str:
    after, before = int(log.count[judged].sum()), int(log.count[~judged].sum())
    return f"the snapshot is judged on the {after} decisions after its training, not on {before} before"
