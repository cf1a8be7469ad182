"""What a campaign may still send: frequency caps, budget and stock, asked before each draw and told of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from engine.core.arm import ArmId
from engine.core.decision import Mode
from engine.core.eligible_set import EligibleSet
from engine.core.exclusions import Exclusions
from engine.core.limits import Limits
from engine.core.repeated import Repeated
from engine.service.allowance import Allowance
from engine.service.frequency import Frequency
from engine.service.narrowing import Narrowing
from engine.service.no_frequency import NoFrequency
from engine.store.tables import FULL

T = TypeVar("T")

Draw = Callable[[slice | list[int], Repeated[EligibleSet]], tuple[np.ndarray, np.ndarray]]
"""Rows and what they may be drawn from → their counts, shape (rows, k), and their columns, shape (rows,)."""

MakeSet = Callable[[Exclusions], EligibleSet]

_PART_CELLS = 1 << 15
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

    sets: Repeated[EligibleSet]
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
        n, sets = len(rows.ids), Repeated.of(rows.sets)
        if not self.active and n * arms <= _PART_CELLS:
            return Drawn(sets, *draw(slice(n), sets))
        # Rows that are refused keep zeros, which stand for nothing.
        narrowing = Narrowing(sets, rows.modes)
        drawn = Drawn(narrowing.sets, np.zeros((n, arms), dtype=np.int64), np.zeros(n, dtype=np.int64))
        done: list[int] = []
        try:
            self._draw_all(rows, draw, make, narrowing, drawn, done)
        except BaseException:
            gone = set(drawn.refused)
            kept = [row for row in done if row not in gone]
            chosen = [drawn.sets[row].excluded.ids[drawn.columns[row]] for row in kept]
            self.undo([rows.users[i] for i in kept], [rows.ids[i] for i in kept], [rows.at[i] for i in kept], chosen)
            raise
        return drawn

    def _draw_all(
        self, rows: Rows, draw: Draw, make: MakeSet, narrowing: Narrowing, drawn: Drawn, done: list[int]
    ) -> None:
        n, arms = drawn.counts.shape
        size = max(1, _PART_CELLS // arms)
        for turn in self._frequency.rounds(rows.users) if self.active else (range(n),):
            for start in range(0, len(turn), size):
                part = turn[start : start + size]
                if self.active:
                    with self._frequency.lock:
                        self._draw_part(rows, part, draw, make, narrowing, drawn, done)
                else:
                    where = _where(part)
                    drawn.counts[where], drawn.columns[where] = draw(where, narrowing.sets.taken(where))

    def _draw_part(
        self,
        rows: Rows,
        part: Sequence[int],
        draw: Draw,
        make: MakeSet,
        narrowing: Narrowing,
        drawn: Drawn,
        done: list[int],
    ) -> None:
        users, moments = _some(rows.users, part), _seconds(_some(rows.at, part))
        bits = self._frequency.blocked(users, moments)
        refused: set[int] = set()
        places = part
        if any(bits):
            capped = [(row, some) for row, some in zip(part, bits, strict=True) if some and not narrowing.is_held(row)]
            refused = {row for row, some in capped if some & FULL}
            narrowing.cap([one for one in capped if one[0] not in refused], partial(self._narrowed, make=make))
            places = [row for row in part if row not in refused] if refused else part
        self._draw_paid(places, draw, make, narrowing, drawn, refused, done)
        chosen = drawn.columns[_where(part)]
        late = self._frequency.count(users, chosen, moments, _some(rows.ids, part))
        for i in late:
            self._refund(drawn.sets[part[i]].excluded.ids[chosen[i]])
        drawn.refused += [*refused, *(part[i] for i in late)]

    def _draw_paid(
        self,
        todo: Sequence[int],
        draw: Draw,
        make: MakeSet,
        narrowing: Narrowing,
        drawn: Drawn,
        refused: set[int],
        done: list[int],
    ) -> None:
        """Draw rows and pay for them; those behind the point where a limit runs short are drawn again without it.

        What is paid is `done` at once, so that it comes back if a later row fails.
        """
        while todo:
            codes = self._allowance.excluded() if self._allowance is not None else None
            if codes is not None:
                narrowing.limit(_where(todo), partial(self._narrowed, codes=codes, make=make))
            where = _where(todo)
            counts, columns = draw(where, narrowing.sets.taken(where))
            paid = self._allowance.take_rows(columns) if self._allowance is not None else len(todo)
            if not paid:  # nothing can be paid that was not excluded: it would go on for ever
                refused.update(todo)
                return
            where = _where(todo[:paid])
            drawn.counts[where], drawn.columns[where] = counts[:paid], columns[:paid]
            done += todo[:paid]
            todo = todo[paid:]

    def seen(self, eligible: EligibleSet, user: str, at: datetime, make: MakeSet) -> EligibleSet:
        """What a shopper might still get at this moment; nothing is counted."""
        if not self.active:
            return eligible
        with self._frequency.lock:
            (bits,) = self._frequency.blocked([user], [at.timestamp()])
        codes = self._allowance.excluded() if self._allowance is not None else None
        return self._narrowed(eligible, bits & FULL - 1, codes, make=make)

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

    def _narrowed(
        self, eligible: EligibleSet, bits: int = 0, codes: np.ndarray | None = None, *, make: MakeSet
    ) -> EligibleSet:
        """An eligible set without what is capped or cannot be paid; most shoppers share a few of these."""
        if not bits and codes is None:
            return eligible
        key = (id(eligible), bits, b"" if codes is None else codes.tobytes())
        found = self._known.get(key)
        if found is None:
            excluded = self._frequency.narrowed(eligible.excluded, bits)
            if codes is not None:
                # One row may be narrowed a hundred times, as one stock after the other runs out: codes end at 255.
                rules = excluded.reasons[: -len(Limits.reasons)]
                rules = rules if excluded.reasons == (*rules, *Limits.reasons) else excluded.reasons
                more = (excluded.codes == 0) & (codes > 0)
                both = np.where(more, codes + len(rules), excluded.codes).astype(np.uint8)
                excluded = Exclusions(excluded.ids, both, (*rules, *Limits.reasons))
            if len(self._known) > 1024:
                self._known.clear()
            # The set is kept beside its answer: its number must not come to mean another one.
            found = self._known[key] = (eligible, make(excluded))
        return found[1]


UNRESTRAINED = Restraint()


def _some(column: Sequence[T], rows: Sequence[int]) -> Sequence[T]:
    """Some rows of a column."""
    if isinstance(rows, range):
        return column if len(rows) == len(column) else column[rows.start : rows.stop]
    return [column[row] for row in rows]


def _where(rows: Sequence[int]) -> slice | list[int]:
    """Rows as an index of arrays; quick where they stand side by side."""
    return slice(rows.start, rows.stop) if isinstance(rows, range) else list(rows)


def _seconds(moments: Sequence[datetime]) -> Sequence[float] | np.ndarray:
    """Seconds since 1970; all rows of a batch have one moment."""
    if isinstance(moments, Repeated) and len(moments.values) == 1:
        return np.full(len(moments), moments.values[0].timestamp())
    return [moment.timestamp() for moment in moments]
