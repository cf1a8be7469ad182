"""Logs on which our estimators and obp's are compared, as arrays that both can read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simulator import Log, LogBuilder
from simulator.arm_embedding import ArmEmbedding
from simulator.arrays import FloatArray, IntArray
from simulator.context_features import context_features
from simulator.importers.obd import obd_arms, obd_records
from simulator.policies.uniform import uniform_probabilities
from simulator.quantities import Quantities

_FACTORS = ("slot", "V^item_feature_1", "V^item_feature_2")
_CONTEXT = 10


@dataclass(frozen=True, slots=True, eq=False)
class ObpLog:
    """A log whose rows all have the same number K of eligible arms, in the same order; n rows, L positions.

    Attributes:
        name: For the table.
        log: The decisions; where the source keeps the chosen arm's propensity alone, the rest is shared out evenly.
        position: Shape (n,), from 0.
        positions: L.
        context: Shape (n, d).
        embedding: Of the log's arms.
    """

    name: str
    log: Log
    position: IntArray
    positions: int
    context: FloatArray
    embedding: ArmEmbedding

    @property
    def actions(self) -> int:
        """K."""
        return int(self.log.lengths[0])

    @property
    def reward(self) -> FloatArray:
        """What the estimators value, shape (n,)."""
        quantities = Quantities(self.log)
        return quantities["clicked"] + quantities["revenue"]

    def policies(self) -> Mapping[str, FloatArray]:
        """Give policies to judge, each aligned with `log.eligible`: uniform, one that leans, and one that draws not."""
        taste = np.random.default_rng(7).standard_normal((self.context.shape[1], self.actions))
        score = self.context @ taste / max(1, self.context.shape[1]) ** 0.5
        leaning = np.exp(score - score.max(axis=1, keepdims=True))
        leaning /= leaning.sum(axis=1, keepdims=True)
        best = (np.arange(self.actions) == score.argmax(axis=1)[:, None]).astype(np.float64)
        return {"uniform": uniform_probabilities(self.log), "leaning": leaning.ravel(), "best": best.ravel()}

    def stacked(self, flat: FloatArray) -> FloatArray:
        """Turn a flat array of shape (n · K,) into obp's (n, K, L), the same at every position."""
        table = flat.reshape(self.log.rows, self.actions, 1)
        return np.ascontiguousarray(np.broadcast_to(table, (self.log.rows, self.actions, self.positions)))

    def embedded(self) -> tuple[IntArray, FloatArray]:
        """Give the embedding of every row's arm, shape (n, 1), and p(e | a) of every action, shape (K, E, 1).

        An arm at another position counts as another arm, so that an action alone has an embedding only because the
        position of every embedding is that of the row.
        """
        cluster = self.embedding.cluster[self.log.eligible].reshape(self.log.rows, self.actions)
        # Groups are numbered anew within a position, where the k-th action is the same arm in every row.
        table = np.zeros((self.actions, self.actions, 1))
        first = {place: cluster[np.flatnonzero(self.position == place)[0]] for place in np.unique(self.position)}
        codes = {place: np.unique(row, return_inverse=True)[1] for place, row in first.items()}
        reference = next(iter(codes.values()))
        if any((code != reference).any() for code in codes.values()):
            raise AssertionError(f"{self.name}: actions are grouped differently at different positions")
        table[np.arange(self.actions), reference, 0] = 1.0
        return reference[self.log.chosen][:, None], table


def open_bandit(folder: Path, policy: str, campaign: str) -> ObpLog:
    """Read one of the six logs of the Open Bandit Dataset."""
    path = str(folder / policy / campaign / f"{campaign}.csv.gz")
    items, arms = obd_arms(path)
    builder = LogBuilder(path)
    for line, record in enumerate(obd_records(path, items), start=1):
        builder.append({**record, "arms": arms} if line == 1 else record, line)
    log = builder.build()
    position = np.array([int(place) - 1 for place in log.extra["position"]])
    whole = replace(log, probabilities=_shared_out(log))
    embedding = ArmEmbedding.by_factors(whole, _FACTORS)
    context = context_features(whole)[:, :_CONTEXT]
    return ObpLog(f"Open Bandit {policy}/{campaign}", whole, position, 3, context, embedding)


def synthetic(name: str, arrays: Mapping[str, np.ndarray]) -> ObpLog:
    """Turn the arrays of obp's synthetic dataset into a log; two neighbouring actions share an embedding."""
    actions = arrays["pi_b"].shape[1]
    names = [f"a{number}/group{number // 2}/any" for number in range(actions)]
    builder = LogBuilder(name)
    for row, chosen in enumerate(arrays["action"].tolist()):
        record = {
            "decision_id": f"s{row}",
            "arm": names[chosen],
            "propensity": float(arrays["pscore"][row]),
            "probabilities": [float(one) for one in arrays["pi_b"][row, :, 0]],
            "eligible": names,
            "outcomes": [{"type": "purchase", "value": float(arrays["reward"][row])}],
        }
        builder.append(record, row + 1)
    log = builder.build()
    position = np.zeros(log.rows, dtype=np.int64)
    return ObpLog(name, log, position, 1, arrays["context"], ArmEmbedding.by_factors(log, ("channel",)))


def _shared_out(log: Log) -> FloatArray:
    """The propensity at the chosen arm, the rest evenly over the others: the source states no more."""
    others = np.maximum(log.lengths - 1, 1)
    flat = np.repeat((1.0 - log.propensity) / others, log.lengths)
    flat[log.chosen_at] = log.propensity
    return flat
