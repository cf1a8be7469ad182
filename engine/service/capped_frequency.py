"""Frequency caps over tables in shared memory."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from engine.core.capped_arms import CappedArms
from engine.core.exclusions import Exclusions
from engine.core.pseudonym import is_pseudonym
from engine.core.pseudonyms import Pseudonyms, raw_of
from engine.service.frequency_lock import FrequencyLock
from engine.store.tables import FULL, FrequencyTable

_FEW = 16
"""Up to so many rows, plain Python is faster than arrays."""


_NOTHING: tuple[Sequence[str], np.ndarray, list[np.ndarray]] = ((), np.zeros((0, 2), np.uint64), [])


class CappedFrequency:
    """Caps of the campaign in one table, caps of the shop in another that all campaigns share."""

    active = True

    def __init__(self, arms: CappedArms, campaign: FrequencyTable | None, shop: FrequencyTable | None) -> None:
        """Use tables.

        Args:
            arms: Which arms the caps are about; its bits are the campaign's caps, then the shop's.
            campaign: Of the campaign's caps; None if it has none.
            shop: Of the shop's caps; None if it has none.
        """
        self._arms = arms
        before = len(campaign.windows.caps) if campaign else 0
        self._tables = tuple((table, shift) for table, shift in ((campaign, 0), (shop, before)) if table is not None)
        self._masks = arms.masks.tolist()
        self._asked: tuple[Sequence[str], np.ndarray, list[np.ndarray]] = _NOTHING
        self._looked: tuple[Sequence[str], list[tuple[int, Sequence[int]]]] = (), []
        self.reasons: tuple[str, ...] = arms.reasons
        self.lock: AbstractContextManager[None] = FrequencyLock([table for table, _ in self._tables])

    def rounds(self, users: Sequence[str]) -> Sequence[Sequence[int]]:
        """See `Frequency`."""
        if len(set(users.digests if isinstance(users, Pseudonyms) else users)) == len(users):
            return (range(len(users)),)
        seen: dict[str, int] = {}
        rounds: list[list[int]] = []
        for row, user in enumerate(users):
            number = seen[user] = seen.get(user, -1) + 1
            if number == len(rounds):
                rounds.append([])
            rounds[number].append(row)
        return rounds

    def blocked(self, users: Sequence[str], at: Sequence[float] | np.ndarray) -> list[int]:
        """See `Frequency`."""
        if len(users) <= _FEW:
            looked = [self._look(bytes.fromhex(user), moment) for user, moment in zip(users, at, strict=True)]
            self._looked = users, looked
            return [bits for bits, _ in looked]
        keys, moments = _keys(users), np.asarray(at, dtype=np.float64)
        bits = np.zeros(len(users), dtype=np.int64)
        places = []
        for table, shift in self._tables:
            found, slots = table.blocked_rows(keys, moments)
            places.append(slots)
            bits |= (found & FULL - 1) << shift | found & FULL
        self._asked = users, keys, places
        return bits.tolist()

    def codes(self, bits: int) -> np.ndarray | None:
        """See `Frequency`."""
        return self._arms.codes(bits & FULL - 1)

    def narrowed(self, excluded: Exclusions, bits: int) -> Exclusions:
        """See `Frequency`."""
        codes = self.codes(bits)
        if codes is None:
            return excluded
        known = len(excluded.reasons)
        both = np.where((excluded.codes == 0) & (codes > 0), codes + known, excluded.codes).astype(np.uint8)
        return Exclusions(excluded.ids, both, (*excluded.reasons, *self.reasons))

    def count(
        self,
        users: Sequence[str],
        columns: Sequence[int] | np.ndarray,
        at: Sequence[float] | np.ndarray,
        ids: Sequence[bytes],
    ) -> list[int]:
        """See `Frequency`."""
        if len(users) <= _FEW:
            listed = columns.tolist() if isinstance(columns, np.ndarray) else columns
            where: Sequence[Sequence[int] | None] = [None] * len(users)
            if self._looked[0] is users:
                where = [found for _, found in self._looked[1]]
            self._looked = (), []
            rows = zip(users, listed, at, ids, where, strict=True)
            return [i for i, row in enumerate(rows) if not self._count(*row)]
        masks = self._arms.masks[np.asarray(columns)]
        sends = np.flatnonzero(masks)
        asked, keys, places = self._asked
        if asked is not users:
            keys, places = _keys(users), []
        self._asked = _NOTHING
        keys, moments = keys[sends], np.asarray(at, dtype=np.float64)[sends]
        id_rows, masks = np.frombuffer(b"".join(ids), dtype=np.uint8).reshape(-1, 16)[sends], masks[sends]
        refused: set[int] = set()
        for i, (table, shift) in enumerate(self._tables):
            caps = masks >> shift & (1 << len(table.windows.caps)) - 1
            some = np.flatnonzero(caps)
            found = places[i][sends[some]] if places else None
            late = table.count_rows(keys[some], caps[some], moments[some], id_rows[some], found)
            refused.update(some[late].tolist())
        for row in refused:  # what one table had room for, and the other had not
            for table, _ in self._tables:
                table.give_back(keys[row].tobytes(), id_rows[row].tobytes(), float(moments[row]))
        return sorted(sends[list(refused)].tolist())

    def give_back(self, user: str, decision_id: bytes, at: float | None = None) -> None:
        """See `Frequency`."""
        if is_pseudonym(user):
            for table, _ in self._tables:
                table.give_back(bytes.fromhex(user), decision_id, at)

    def _look(self, key: bytes, at: float) -> tuple[int, Sequence[int]]:
        """The bits of a shopper, and where each table has it."""
        bits, places = 0, []
        for table, shift in self._tables:
            found, place = table.look(key, at)
            bits |= (found & FULL - 1) << shift | found & FULL
            places.append(place)
        return bits, places

    def _count(self, user: str, column: int, at: float, decision_id: bytes, places: Sequence[int] | None) -> bool:
        mask = self._masks[column]
        if not mask:
            return True
        key = bytes.fromhex(user)
        for i, (table, shift) in enumerate(self._tables):
            caps = mask >> shift & (1 << len(table.windows.caps)) - 1
            if caps and not table.count(key, caps, at, decision_id, places[i] if places else None):
                for other, _ in self._tables:
                    other.give_back(key, decision_id, at)
                return False
        return True


def _keys(users: Sequence[str]) -> np.ndarray:
    """Pseudonyms as halves: shape (n, 2), uint64."""
    return np.frombuffer(raw_of(users), dtype=np.uint64).reshape(-1, 2)
