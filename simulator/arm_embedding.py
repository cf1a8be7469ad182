"""What of an arm is taken to matter: arms that share it are one and the same to MIPS."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray, IntArray
from simulator.log import HOLD
from simulator.log_source import LogSource
from simulator.policies.arm_features import arm_cell, arm_features

__all__ = ["FACTORS", "ArmEmbedding"]

#: Channel, slot, kind of offer and category of the product: what copy has in common beside its words.
FACTORS = ("channel", "slot", "O^kind", "V^category")


@dataclass(frozen=True, slots=True, eq=False)
class ArmEmbedding:
    """Groups the arms of a log by a discrete embedding e(a); K arms.

    Attributes:
        name: What the embedding is made of, for reports.
        cluster: Group of every arm of `log.arms`, from 0, shape (K,). `hold` has one of its own, and so has every arm
            of which the log states nothing to group it by: such arms keep the weights of IPS.
    """

    name: str
    cluster: IntArray

    @property
    def clusters(self) -> int:
        """Number of groups."""
        return int(self.cluster.max(initial=-1)) + 1

    @classmethod
    def each(cls, log: LogSource) -> ArmEmbedding:
        """Give every arm a group of its own, which makes MIPS IPS."""
        return cls("arm", np.arange(len(log.arms)))

    @classmethod
    def by_factors(cls, log: LogSource, factors: Sequence[str] = FACTORS) -> ArmEmbedding:
        """Group arms that agree in all factors.

        Args:
            log: Its arms and catalogue.
            factors: `channel`, `slot`, or a fact of the arm as models name it, namespace and name (`O^kind`,
                `V^category`). A fact that no arm states groups nothing and is left out of the name.

        Raises:
            InvalidInput: If there is no factor.
        """
        if not factors:
            raise InvalidInput("expected at least one factor, got none; say channel or slot", field="factors")
        values = [_factors(log, arm, factors) for arm in log.arms]
        stated = [name for place, name in enumerate(factors) if any(value[place] is not None for value in values)]
        keys: list[Hashable] = [
            value if any(part is not None for part in value) else arm
            for arm, value in zip(log.arms, values, strict=True)
        ]
        return cls(" × ".join(stated) or "arm", _codes(keys))

    @classmethod
    def by_vectors(cls, log: LogSource, clusters: int | None = None, seed: int = 0) -> ArmEmbedding:
        """Group arms whose embeddings are near each other, by k-means.

        All arms of the log must be known when it is called: further ones would move the groups.

        Source: Saito and Joachims (2022), §3; Lloyd (1982) and Arthur and Vassilvitskii (2007) for k-means++.

        Args:
            log: Its catalogue states the embeddings.
            clusters: How many groups; by default the square root of the number of distinct embeddings. With as many
                as there are embeddings, each is a group.
            seed: Of k-means.

        Raises:
            InvalidInput: If no arm has an embedding, or `clusters` is less than 1.
        """
        vectors = {arm: vector for arm in log.arms if arm != HOLD and (vector := _vector(log, arm))}
        if not vectors:
            raise InvalidInput(
                f"expected arms with an embedding, got none in {log.source}; group by factors instead", field="arms"
            )
        matrix = _matrix(vectors)
        distinct, place, times = np.unique(matrix, axis=0, return_inverse=True, return_counts=True)
        wanted = round(len(distinct) ** 0.5) if clusters is None else clusters
        if wanted < 1:
            raise InvalidInput(f"expected at least 1 cluster, got {clusters}", field="clusters")
        group = _kmeans(distinct, times, min(wanted, len(distinct)), seed)[place.reshape(-1)]
        of_arm = dict(zip(vectors, group.tolist(), strict=True))
        keys: list[Hashable] = [of_arm.get(arm, arm) for arm in log.arms]
        return cls(f"{len(set(of_arm.values()))} clusters of embeddings", _codes(keys))


def _factors(log: LogSource, arm: str, factors: Sequence[str]) -> tuple[str | None, ...]:
    if arm == HOLD:
        return (None,) * len(factors)
    cell = dict(zip(("channel", "slot"), arm_cell(log, arm), strict=True))
    facts: dict[str, str] = {}
    for feature in arm_features(log, arm):
        name, _, value = feature.key.partition("=")
        facts[name] = value or str(feature.value)
    return tuple(cell.get(factor) or facts.get(factor) for factor in factors)


def _vector(log: LogSource, arm: str) -> dict[str, float]:
    return {feature.name: feature.value for feature in arm_features(log, arm) if feature.namespace == "E"}


def _matrix(vectors: dict[str, dict[str, float]]) -> FloatArray:
    """A feature that is not stated is 0."""
    names = sorted({name for vector in vectors.values() for name in vector})
    return np.array([[vector.get(name, 0.0) for name in names] for vector in vectors.values()])


def _kmeans(points: FloatArray, weight: IntArray, clusters: int, seed: int) -> IntArray:
    if clusters == len(points):
        return np.arange(len(points))
    from sklearn.cluster import KMeans

    model = KMeans(n_clusters=clusters, n_init=10, random_state=seed)
    return np.asarray(model.fit(points, sample_weight=weight).labels_, dtype=np.int64)


def _codes(keys: Sequence[Hashable]) -> IntArray:
    """Number the keys in the order in which they first occur."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
