"""Sums over users, kept by name: all that estimates and intervals are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from simulator.arrays import FloatArray, IntArray

__all__ = ["Totals"]


class Totals:
    """Named columns of sums over buckets of users, filled chunk by chunk; B buckets, R resamples.

    Chunks may come in any number and order: sums are all that is kept, so that memory does not grow with the log.

    Attributes:
        weights: What each resample gives each bucket, shape (R, B).
        multiplicity: How many users a bucket stands for beyond those summed in it, shape (B,).
    """

    def __init__(self, weights: FloatArray, multiplicity: FloatArray) -> None:
        self.weights = weights
        self.multiplicity = multiplicity
        self._columns: dict[str, FloatArray] = {}
        self._sums: dict[str, FloatArray] = {}
        self._products: dict[tuple[str, str], FloatArray] = {}

    def add(self, key: str, bucket: IntArray, values: FloatArray) -> None:
        """Add row values to a column.

        Args:
            key: Name of the column; it begins at zero.
            bucket: Bucket of each row, shape (n,).
            values: Shape (n,); what a row is worth inside one user of its bucket.
        """
        sums = np.bincount(bucket, weights=values, minlength=self.multiplicity.size)
        self.put(key, sums.astype(np.float64, copy=False))

    def put(self, key: str, sums: FloatArray) -> None:
        """Add sums, shape (B,), to a column."""
        known = self._columns.get(key)
        if known is None:
            self._columns[key] = sums.copy()
        else:
            known += sums
        self._sums.clear()
        self._products.clear()

    @property
    def columns(self) -> Mapping[str, FloatArray]:
        """Sums of each bucket by name, each of shape (B,)."""
        return self._columns

    def __contains__(self, key: str) -> bool:
        return key in self._columns

    def column(self, key: str) -> FloatArray:
        """Sums of each bucket, shape (B,)."""
        return self._columns[key]

    def sums(self, key: str) -> FloatArray:
        """Sum over all buckets as it is, then in each resample, shape (1 + R,)."""
        if key not in self._sums:
            # Reading the weights is what takes the time, so all columns are summed in one pass.
            missing = [name for name in self._columns if name not in self._sums]
            self._sums.update(zip(missing, self._weighed([self._columns[name] for name in missing]), strict=True))
        return self._sums[key]

    def products(self, one: str, other: str) -> FloatArray:
        """Sum of the products of two columns, as it is, then in each resample, shape (1 + R,)."""
        pair = _sorted(one, other)
        if pair not in self._products:
            self.multiply([pair])
        return self._products[pair]

    def multiply(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Make the products of many pairs ready, in one pass over the weights."""
        missing = sorted({_sorted(*pair) for pair in pairs} - self._products.keys())
        if missing:
            columns = [self._columns[one] * self._columns[other] for one, other in missing]
            self._products.update(zip(missing, self._weighed(columns), strict=True))

    @property
    def users(self) -> float:
        """How many users there are, as far as buckets tell."""
        return float(self.multiplicity.sum())

    def _weighed(self, columns: Sequence[FloatArray]) -> Iterator[FloatArray]:
        """Sum k columns of shape (B,) as they are and in each resample, k times shape (1 + R,)."""
        multiplied = self.multiplicity * np.array(columns)
        resampled = multiplied @ self.weights.T
        return iter(np.concatenate((multiplied.sum(axis=1)[:, None], resampled), axis=1))


def _sorted(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)
