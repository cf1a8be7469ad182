"""What the rows of a draw may be drawn from, while caps and limits take arms out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.core.decision import Mode
from engine.core.eligible_set import EligibleSet
from engine.core.repeated import Repeated


class Narrowing:
    """A column of eligible sets whose rows come to have other ones. Rows of the holdout keep theirs.

    Attributes:
        sets: The column as it stands.
    """

    def __init__(self, sets: Repeated[EligibleSet], modes: Sequence[Mode]) -> None:
        """Begin with what the rules leave.

        Args:
            sets: n sets, which stay as they are.
            modes: n modes.
        """
        self._values = list(sets.values)
        self._modes = modes
        self._numbers: dict[int, int] = {}
        self.sets = Repeated(self._values, sets.which.copy())

    def is_held(self, row: int) -> bool:
        """Whether a row is of the holdout."""
        return self._modes[row] is Mode.HOLDOUT

    def cap(self, capped: Sequence[tuple[int, int]], narrowed: Callable[[EligibleSet, int], EligibleSet]) -> None:
        """Take out of rows what their caps forbid.

        Args:
            capped: Rows and the bits of their caps.
            narrowed: Set, bits → the set without what these caps are about.
        """
        which, made = self.sets.which, dict[tuple[int, int], int]()
        for (row, bits), number in zip(capped, which[[row for row, _ in capped]].tolist(), strict=True):
            new = made.get((number, bits))
            if new is None:
                new = made[number, bits] = self._number(narrowed(self._values[number], bits))
            which[row] = new

    def limit(self, rows: slice | list[int], narrowed: Callable[[EligibleSet], EligibleSet]) -> None:
        """Take out of some rows what cannot be paid.

        Args:
            rows: Which rows.
            narrowed: Set → the set without that.
        """
        which = self.sets.which[rows]
        known = len(self._values)
        place = np.arange(known)
        for number in np.flatnonzero(np.bincount(which, minlength=known)).tolist():
            place[number] = self._number(narrowed(self._values[number]))
        modes = Repeated.of(self._modes)
        held = np.array([mode is Mode.HOLDOUT for mode in modes.values])[modes.which[rows]]
        self.sets.which[rows] = np.where(held, which, place[which])

    def _number(self, eligible: EligibleSet) -> int:
        """The number of a set that stays at hand as long as the column does."""
        number = self._numbers.setdefault(id(eligible), len(self._values))
        if number == len(self._values):
            self._values.append(eligible)
        return number
