"""What a campaign may still send: frequency caps, budget and stock, asked before each draw and told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np

from engine.core.arm import ArmId
from engine.core.decision import Mode
from engine.core.eligible_set import EligibleSet
from engine.core.exclusions import Exclusions
from engine.core.limits import Limits
from engine.service.allowance import Allowance
from engine.service.frequency import Frequency
from engine.service.no_frequency import NoFrequency
from engine.store.tables import FULL

Draw = Callable[[Sequence[int], Sequence[EligibleSet]], tuple[np.ndarray, np.ndarray]]
"""Rows and what they may be drawn from → their counts, shape (rows, k), and their columns, shape (rows,)."""

MakeSet = Callable[[Exclusions], EligibleSet]

_PART_CELLS = 1 << 14
"""Rows × arms that are drawn together: so much stays in the processor's cache, and no lock is held for long."""


class Rows(Protocol):
    """Who is decided for, as columns."""

    @property
    def users(self) -> Sequence[str]:
        """Pseudonyms."""
        ...

    @property
    def ids(self) -> Sequence[bytes]:
        """Decision ids."""
        ...

    @property
    def at(self) -> Sequence[datetime]:
        """Moments of deciding."""
        ...

    @property
    def modes(self) -> Sequence[Mode]:
        """How each comes about."""
        ...

    @property
    def sets(self) -> Sequence[EligibleSet]:
        """What the rules leave to each."""
        ...


@dataclass(slots=True, eq=False)
class Drawn:
    """What came of a draw.

    Attributes:
        sets: What each row was drawn from.
        counts: Shape (n, k), int64.
        columns: Shape (n,), int64.
        refused: Rows whose send could not be counted; theirs mean nothing.
    """

    sets: list[EligibleSet]
    counts: np.ndarray
    columns: np.ndarray
    refused: list[int] = field(default_factory=list)


class Restraint:
    """Caps and limits of one campaign, in one worker.

    What is drawn is counted and paid before it is journalled; so a kill in between leaves too much counted for a while,
    and never too little.
    """

    def __init__(self, frequency: Frequency | None = None, allowance: Allowance | None = None) -> None:
        """Use what is open; without either, everything may be sent."""
        self._frequency: Frequency = frequency or NoFrequency()
        self._allowance = allowance
        self._known: dict[tuple[int, int, bytes], tuple[EligibleSet, EligibleSet]] = {}

    @property
    def active(self) -> bool:
        """Whether anything is restrained."""
        return self._frequency.active or self._allowance is not None

    def drawn(self, rows: Rows, arms: int, draw: Draw, make: MakeSet) -> Drawn:
        """Draw rows, each from what it may still get.

        Args:
            rows: n of them.
            arms: k.
            draw: Draws some of them.
            make: Makes a set of some exclusions.
        """
        n = len(rows.sets)
        drawn = Drawn(list(rows.sets), np.empty((n, arms), dtype=np.int64), np.empty(n, dtype=np.int64))
        size = max(1, _PART_CELLS // arms)
        for turn in self._frequency.rounds(rows.users) if self.active else (range(n),):
            for part in _parts(turn, size):
                if self.active:
                    with self._frequency.lock:
                        self._draw_part(rows, part, draw, make, drawn)
                else:
                    drawn.counts[part], drawn.columns[part] = draw(part, [drawn.sets[i] for i in part])
        return drawn

    def _draw_part(self, rows: Rows, part: list[int], draw: Draw, make: MakeSet, drawn: Drawn) -> None:
        users, moments = [rows.users[i] for i in part], [rows.at[i].timestamp() for i in part]
        bits = dict(zip(part, self._frequency.blocked(users, moments), strict=True))
        acts = {i: rows.modes[i] is not Mode.HOLDOUT for i in part}
        full = {i for i in part if acts[i] and bits[i] & FULL}
        todo = [i for i in part if i not in full]
        while todo:
            codes = self._allowance.excluded() if self._allowance is not None else None
            sets = [self._narrowed(rows.sets[i], bits[i], codes, make) if acts[i] else rows.sets[i] for i in todo]
            counts, columns = draw(todo, sets)
            paid = self._allowance.take_rows(columns) if self._allowance is not None else len(todo)
            if not paid:  # nothing can be paid that was not excluded: it would go on for ever
                full.update(todo)
                break
            drawn.counts[todo[:paid]], drawn.columns[todo[:paid]] = counts[:paid], columns[:paid]
            for i, eligible in zip(todo[:paid], sets, strict=False):
                drawn.sets[i] = eligible
            todo = todo[paid:]
        chosen = [0 if i in full else int(drawn.columns[i]) for i in part]
        late = self._frequency.count(users, chosen, moments, [rows.ids[i] for i in part])
        for row in late:
            self._refund(drawn.sets[part[row]].excluded.ids[chosen[row]])
        drawn.refused += [*full, *(part[row] for row in late)]

    def undo(self, users: Sequence[str], ids: Sequence[bytes], at: Sequence[datetime], arms: Sequence[ArmId]) -> None:
        """Take back what was counted and paid for decisions that never became durable."""
        if not self.active:
            return
        with self._frequency.lock:
            for user, id, moment, arm in zip(users, ids, at, arms, strict=True):
                self._frequency.give_back(user, id, moment.timestamp())
                self._refund(arm)

    def _refund(self, arm: ArmId) -> None:
        if self._allowance is not None:
            self._allowance.give_back(arm)

    def _narrowed(self, eligible: EligibleSet, bits: int, codes: np.ndarray | None, make: MakeSet) -> EligibleSet:
        """An eligible set without what is capped or cannot be paid; most shoppers share a few of these."""
        if not bits and codes is None:
            return eligible
        key = (id(eligible), bits, b"" if codes is None else codes.tobytes())
        found = self._known.get(key)
        if found is None:
            excluded = self._frequency.narrowed(eligible.excluded, bits)
            if codes is not None:
                more = (excluded.codes == 0) & (codes > 0)
                both = np.where(more, codes + len(excluded.reasons), excluded.codes).astype(np.uint8)
                excluded = Exclusions(excluded.ids, both, (*excluded.reasons, *Limits.reasons))
            if len(self._known) > 1024:
                self._known.clear()
            # The set is kept beside its answer: its number must not come to mean another one.
            found = self._known[key] = (eligible, make(excluded))
        return found[1]


UNRESTRAINED = Restraint()


def _parts(rows: Sequence[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])
