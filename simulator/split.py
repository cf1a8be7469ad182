"""Which rows choose and which rows judge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray
from simulator.clusters import Clusters
from simulator.log import NO_TIME, Log
from simulator.timestamps import microseconds

__all__ = ["Split"]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Pairs of masks (rows to choose on, rows to judge on), and all rows that are judged, each of shape (n,)."""

    folds: tuple[tuple[BoolArray, BoolArray], ...]
    judged: BoolArray

    @classmethod
    def of(cls, log: Log, clusters: Clusters, how: str, *, delay_us: int, seed: int) -> Split:
        """Split a log.

        Args:
            log: The log.
            clusters: Its users.
            how: `user` (two folds, each chosen for on the other), a share such as `0.5` (the first part of the log
                chooses, the rest judges) or an RFC 3339 time (rows before it choose).
            delay_us: Rows whose outcomes were not complete by the split do not choose.
            seed: Of the folds of users.

        Raises:
            InvalidInput: When `how` is none of these, or leaves one side empty.
        """
        if how == "user":
            fold = clusters.folds(2, seed, "choose")
            first = fold == 0
            if first.all() or not first.any():
                # One user alone cannot be on both sides; the choice is then judged on its own rows.
                return cls(((np.ones_like(first), np.ones_like(first)),), np.ones_like(first))
            return cls(((~first, first), (first, ~first)), np.ones(log.rows, dtype=bool))
        moment = microseconds(how)
        judged = _after(log, moment) if moment is not None else _later_share(log, _fraction(how))
        if judged.all() or not judged.any():
            raise InvalidInput(
                f"expected decisions on both sides of {how}, got one side only; move it", field="--split"
            )
        return cls(((_complete(log, judged, delay_us), judged),), judged)


def _fraction(how: str) -> float:
    try:
        share = float(how)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        remedy = "a share is the part that chooses; progressive needs a policy that learns"
        raise InvalidInput(
            f"expected user, a share in (0, 1) or an RFC 3339 time, got {how!r}; {remedy}", field="--split"
        )
    return share


def _after(log: Log, moment: int) -> BoolArray:
    if bool((log.decided_at == NO_TIME).any()):
        raise InvalidInput("expected `decided_at` in every row; add it or split by user", field="--split")
    return np.asarray(log.decided_at >= moment)


def _later_share(log: Log, share: float) -> BoolArray:
    """Take the rows after the first `share` of all decisions, in order of time, or of the file without times."""
    order = np.argsort(log.decided_at, kind="stable")
    passed = np.cumsum(log.count[order])
    judged = np.empty(log.rows, dtype=bool)
    judged[order] = passed > share * log.decisions
    return judged


def _complete(log: Log, judged: BoolArray, delay_us: int) -> BoolArray:
    chosen = ~judged
    if delay_us:
        chosen &= log.decided_at + delay_us <= log.decided_at[judged].min()
    if not chosen.any():
        raise InvalidInput(
            "expected rows whose outcomes were complete by the split, got none; move it", field="--split"
        )
    return np.asarray(chosen)
