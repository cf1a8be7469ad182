"""What an exploration floor gives to each eligible arm of a log."""

from __future__ import annotations

import numpy as np

from engine.core.exploration import Floor
from simulator.arrays import FloatArray
from simulator.log import HOLD, Log
from simulator.policies.arm_features import arm_cell

__all__ = ["floor_shares"]


def floor_shares(log: Log, floor: Floor) -> FloatArray:
    """Share out a floor over channel × slot cells, then over the variants in a cell, shape (m,).

    Equal to `Floor.shares`, for rows whose eligible arms differ from row to row; where hold is not eligible, the other
    cells share all of it. Sums to `floor.total` within each row.
    """
    cells: dict[tuple[str, str], int] = {}
    cell_of = np.array([-1 if arm == HOLD else cells.setdefault(arm_cell(log, arm), len(cells)) for arm in log.arms])
    cell, row, width = cell_of[log.eligible], log.row_of, max(1, len(cells))
    is_hold = cell < 0
    place = np.where(is_hold, 0, row * width + cell)
    members = np.bincount(place[~is_hold], minlength=log.rows * width)
    others = (members.reshape(log.rows, width) > 0).sum(axis=1)
    holds = np.bincount(row[is_hold], minlength=log.rows) > 0
    of_hold = np.where(others > 0, np.maximum(floor.total / (others + 1), floor.hold), floor.total) * holds
    per_cell = (floor.total - of_hold) / np.maximum(others, 1)
    return np.asarray(np.where(is_hold, of_hold[row], per_cell[row] / np.maximum(members[place], 1)))
