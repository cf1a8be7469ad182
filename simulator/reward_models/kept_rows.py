"""A bounded sample of the rows of a log, for reward models that are no function of sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.arrays import BoolArray, HashArray
from simulator.keyed_hash import hash_strings, mix
from simulator.reward_models.model import ModelRows

__all__ = ["MOST_ROWS", "KeptRows", "chosen"]

#: With 96 columns of context these are 77 MB, whatever the length of the log.
MOST_ROWS = 100_000


class KeptRows:
    """Keeps the rows whose numbers have the smallest hashes: a sample that knows neither rewards nor arms.

    Which rows are kept depends on their place in the log alone, not on the chunks they came in. Rows of weight 0 teach
    nothing and are not kept.

    Args:
        most: How many rows are kept at the most.
    """

    def __init__(self, most: int = MOST_ROWS) -> None:
        self._most = most
        self._salt = hash_strings(["kept"], "reward-model")[0]
        self._seen = self._held = 0
        self._bound = np.uint64(np.iinfo(np.uint64).max)
        self._chunks: list[tuple[HashArray, ModelRows]] = []

    def add(self, rows: ModelRows) -> None:
        """Take the next rows of the log."""
        number = np.arange(self._seen, self._seen + rows.arm.size, dtype=np.uint64)
        self._seen += rows.arm.size
        key = mix(number ^ self._salt)
        self._put(key, rows, (rows.weight > 0) & (key <= self._bound))
        if self._held > self._most + self._most // 4:
            self._thin()

    def taken(self) -> ModelRows:
        """Hand the rows over, in the order of the log, and let go of them.

        Raises:
            ValueError: When no row was ever added.
        """
        if self._held > self._most:
            self._thin()
        chunks, self._chunks, self._held = [rows for _, rows in self._chunks], [], 0
        names = ("x", "arm", "rewards", "weight", "fold")
        return ModelRows(*(np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names))

    def _thin(self) -> None:
        keys = np.concatenate([key for key, _ in self._chunks])
        self._bound = np.partition(keys, self._most - 1)[self._most - 1]
        chunks, self._chunks, self._held = self._chunks, [], 0
        for key, rows in chunks:
            self._put(key, rows, key <= self._bound)

    def _put(self, key: HashArray, rows: ModelRows, keep: BoolArray) -> None:
        kept = rows if keep.all() else chosen(rows, keep)
        self._chunks.append((key[keep], kept))
        self._held += kept.arm.size


def chosen(rows: ModelRows, keep: BoolArray) -> ModelRows:
    """Take the rows where `keep`, shape (n,), is true."""
    return replace(
        rows,
        x=rows.x[keep],
        arm=rows.arm[keep],
        rewards=rows.rewards[keep],
        weight=rows.weight[keep],
        fold=rows.fold[keep],
    )
