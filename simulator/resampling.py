"""Poisson bootstrap weights by user."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.arrays import FloatArray, IntArray
from simulator.clusters import Clusters
from simulator.keyed_hash import hash_strings, mix, uniform

__all__ = ["Resampling"]

_BUCKETS = 4096
_MOST = 30


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """Sums over users, and the weights each resample gives them; B buckets, R resamples.

    With up to 4,096 users each is a bucket of its own. Beyond that users share buckets by hash: sums over buckets
    are still sums of independent users, so variances stay unbiased, and the cost no longer grows with the users.

    Source: Chamandy, Muralidharan, Najmi and Naidu, "Estimating uncertainty for massive data streams" (2012), for
    Poisson weights in one pass; the weight is a hash of bucket, resample and seed, so it needs no stored state.

    Attributes:
        clusters: The users.
        bucket: Bucket of each cluster, shape (U,).
        multiplicity: How many clusters a bucket stands for; above 1 only for `count` rows without a user, shape (B,).
        weights: Shape (R, B); R may be 0 where no interval needs it.
    """

    clusters: Clusters
    bucket: IntArray
    multiplicity: FloatArray
    weights: FloatArray

    @classmethod
    def of(cls, clusters: Clusters, resamples: int, seed: int, *, by_user: bool = False) -> Resampling:
        """Draw the weights; the same users, resamples and seed give the same weights in any order of rows.

        Args:
            clusters: The users.
            resamples: How many.
            seed: Of the weights.
            by_user: Whether every user shall be a bucket of its own, however many there are.
        """
        multiple = clusters.multiplicity > 1
        if by_user or clusters.size <= _BUCKETS:
            bucket = np.arange(clusters.size)
            key, multiplicity = clusters.key, clusters.multiplicity
        else:
            shared = (clusters.key % np.uint64(_BUCKETS)).astype(np.int64)
            bucket = np.where(multiple, _BUCKETS + np.cumsum(multiple) - 1, shared)
            numbers = hash_strings([f"bucket:{number}" for number in range(_BUCKETS)])
            key = np.concatenate((numbers, clusters.key[multiple]))
            multiplicity = np.concatenate((np.ones(_BUCKETS), clusters.multiplicity[multiple]))
        return cls(clusters, bucket, multiplicity, _poisson_weights(key, multiplicity, resamples, seed))

    def totals(self, rows: FloatArray) -> FloatArray:
        """Sum row values, shape (n,), over one cluster of each bucket, shape (B,)."""
        return np.bincount(self.bucket, weights=self.clusters.totals(rows), minlength=self.multiplicity.size).astype(
            np.float64
        )


def _poisson_weights(key: np.ndarray, multiplicity: FloatArray, resamples: int, seed: int) -> FloatArray:
    from scipy.stats import poisson

    weights = np.empty((resamples, key.size))
    salts = hash_strings([f"bootstrap:{seed}:{number}" for number in range(resamples)])
    cumulative = poisson.cdf(np.arange(_MOST), 1.0)
    multiple = np.flatnonzero(multiplicity > 1)
    for number, salt in enumerate(salts):
        drawn = uniform(mix(key ^ salt))
        weights[number] = np.searchsorted(cumulative, drawn, side="right")
        if multiple.size:
            weights[number, multiple] = poisson.ppf(drawn[multiple], multiplicity[multiple]) / multiplicity[multiple]
    return weights
