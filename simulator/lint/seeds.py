"""Draws again from the recorded seeds."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.core.drawing import SCALE, SCALE_BITS, SEED_BITS
from simulator.arrays import BoolArray, IntArray
from simulator.lint.finding import Finding, Severity
from simulator.lint.tally import Tally
from simulator.log import Log

__all__ = ["SeededDraws"]


class SeededDraws:
    """Compares each arm with the one that its seed and probabilities give (`engine.core.drawing.reproduce`).

    Only rows with a seed and probabilities that are whole multiples of 2⁻²⁴ with sum 1 were drawn this way.
    """

    def __init__(self) -> None:
        self._tally = Tally()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        seeds = log.extra.get("seed")
        if seeds is None or not log.rows:
            return
        usable = np.array([type(seed) is int and 0 <= seed < 1 << SEED_BITS for seed in seeds])
        counts = np.nan_to_num(log.probabilities, nan=-1.0) * SCALE
        broken = (np.abs(counts - np.round(counts)) > 1e-6) | (counts < 0)
        whole = log.row_sums(broken.astype(np.float64)) == 0
        total = log.row_sums(np.maximum(np.round(counts), 0.0)) == SCALE
        rows = usable & whole & total & (log.lengths > 1)
        if rows.any():
            point = np.array([seed if good else 0 for seed, good in zip(seeds, rows, strict=True)], dtype=np.int64)
            drawn = _drawn(log, np.round(counts).astype(np.int64), point >> (SEED_BITS - SCALE_BITS))
            self._tally.add(log, rows & (drawn != log.chosen))

    def finish(self) -> Iterable[Finding]:
        """Tell how many draws come out differently."""
        if self._tally:
            yield self._tally.finding(
                "draw_not_reproduced",
                Severity.ERROR,
                "seed and probabilities give another arm than the one logged",
                "look for what changes arms, probabilities or their order after the draw",
            )


def _drawn(log: Log, counts: IntArray, point: IntArray) -> IntArray:
    """Give the place among each row's eligible arms that its point falls on, shape (n,)."""
    sums = np.cumsum(counts)
    before = np.repeat(sums[log.offsets[:-1]] - counts[log.offsets[:-1]], log.lengths)
    passed: BoolArray = sums - before <= np.repeat(point, log.lengths)
    return log.row_sums(passed.astype(np.float64)).astype(np.int64)
