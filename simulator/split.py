"""Which rows choose and which rows judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray
from simulator.log import NO_TIME
from simulator.log_facts import LogFacts
from simulator.timestamps import microseconds

__all__ = ["Split"]

Learns = Literal["progressive", "user", "before"]
_BY_USER: Mapping[str, Learns] = {"user": "user", "progressive": "progressive"}


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """How rows are parted.

    Attributes:
        folds: Pairs of masks (rows to choose on, rows to judge on), each of shape (n,).
        judged: All rows that are judged, shape (n,).
        learns: How policies that learn do so; see `PolicySetting`.
        moment: The first moment that is judged, where the split is in time and the log has times.
    """

    folds: tuple[tuple[BoolArray, BoolArray], ...]
    judged: BoolArray
    learns: Learns
    moment: int | None = None

    @classmethod
    def of(cls, facts: LogFacts, how: str, *, delay_us: int, seed: int) -> Split:
        """Split a log's valued rows.

        Args:
            facts: What is known of the log.
            how: `user` (two folds, each chosen for on the other), a share such as `0.5` (the first part of the log
                chooses, the rest judges), an RFC 3339 time (rows before it choose), or `progressive` (policies that
                learn do so on the rows before each one; choices are made as with `user`).
            delay_us: Rows whose outcomes were not complete by the split do not choose.
            seed: Of the folds of users.

        Raises:
            InvalidInput: When `how` is none of these, or leaves one side empty.
        """
        if how in _BY_USER:
            learns = _BY_USER[how]
            first = facts.clusters.folds(2, seed, "choose") == 0
            everywhere = np.ones(facts.rows, dtype=bool)
            if first.all() or not first.any():
                # One user alone cannot be on both sides; the choice is then judged on its own rows.
                return cls(((everywhere, everywhere),), everywhere, learns)
            return cls(((~first, first), (first, ~first)), everywhere, learns)
        moment = microseconds(how)
        judged = _after(facts, moment) if moment is not None else _later_share(facts, _fraction(how))
        if judged.all() or not judged.any():
            raise InvalidInput(
                f"expected decisions on both sides of {how}, got one side only; move it", field="--split"
            )
        first_judged = int(facts.decided_at[judged].min())
        chosen = _complete(facts, judged, delay_us)
        return cls(((chosen, judged),), judged, "before", None if first_judged == NO_TIME else first_judged)


def _fraction(how: str) -> float:
    try:
        share = float(how)
    except ValueError:
        share = 0.0
    if not 0.0 < share < 1.0:
        raise InvalidInput(
            f"expected progressive, user, a share in (0, 1) or an RFC 3339 time, got {how!r}; a share is the part "
            "that chooses",
            field="--split",
        )
    return share


def _after(facts: LogFacts, moment: int) -> BoolArray:
    if bool((facts.decided_at == NO_TIME).any()):
        raise InvalidInput("expected `decided_at` in every row; add it or split by user", field="--split")
    return np.asarray(facts.decided_at >= moment)


def _later_share(facts: LogFacts, share: float) -> BoolArray:
    """Take the rows after the first `share` of all decisions, in order of time, or of the file without times."""
    order = np.argsort(facts.decided_at, kind="stable")
    passed = np.cumsum(facts.count[order])
    judged = np.empty(facts.rows, dtype=bool)
    judged[order] = passed > share * facts.count.sum()
    return judged


def _complete(facts: LogFacts, judged: BoolArray, delay_us: int) -> BoolArray:
    chosen = ~judged
    if delay_us:
        chosen &= facts.decided_at + delay_us <= facts.decided_at[judged].min()
    if not chosen.any():
        raise InvalidInput(
            "expected rows whose outcomes were complete by the split, got none; move it", field="--split"
        )
    return np.asarray(chosen)
