"""The frequency caps of a host: every campaign's table, and the shop's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from engine.core.arm import Arm, ArmId, ChannelId
from engine.core.campaign import Campaign
from engine.core.capped_arms import CappedArms
from engine.core.catalogue import Catalogue
from engine.core.decision import Decision
from engine.core.frequency_cap import FrequencyCap
from engine.core.pseudonym import is_pseudonym
from engine.service.capped_frequency import CappedFrequency
from engine.service.frequency import COUNTED, Frequency
from engine.service.no_frequency import NoFrequency
from engine.store.tables import FrequencyTable, NullLock, TableLock

SHOP = ""
"""Stands for the shop among campaign ids, none of which is empty."""


class Frequencies:
    """Opens tables and finds them again. Open them before workers are forked: the memory is theirs in common."""

    def __init__(self, shop: Sequence[FrequencyCap], users: int, shared: bool = False) -> None:
        """Open the shop's table.

        Args:
            shop: Caps over all campaigns.
            users: Shoppers that fit in a table.
            shared: Whether other processes will use them.
        """
        self._shop = tuple(shop)
        self._users = users
        self._shared = shared
        self._tables: dict[str, FrequencyTable] = {}
        if shop:
            self._tables[SHOP] = self._made(self._shop)

    def open(self, campaign: Campaign) -> bool:
        """Make a campaign's table, empty, unless there is one for the caps that it has now.

        Returns:
            Whether it was made, and is to be filled from the journal before anything is decided with it.
        """
        known = self._tables.get(campaign.id)
        if (known.windows.caps if known else ()) == campaign.caps:
            return False
        if not campaign.caps:
            del self._tables[campaign.id]
            return False
        self._tables[campaign.id] = self._made(campaign.caps)
        return True

    def fresh(self, campaign: Campaign) -> Frequencies | None:
        """A new table for a campaign whose caps changed, apart from those in use, to be filled while deciding goes on.

        Fill it with `recall_frequencies`, which may be done in a thread; then again `since` a moment before that
        began, for what was sent meanwhile; then `adopt` it, in the same turn in which its `Serving` is swapped in.

        Returns:
            None where `open` finds nothing to make.
        """
        known = self._tables.get(campaign.id)
        if not campaign.caps or (known is not None and known.windows.caps == campaign.caps):
            return None
        apart = Frequencies((), self._users)  # without a lock: in a thread it would let go what this process holds
        apart.open(campaign)
        return apart

    def adopt(self, fresh: Frequencies) -> None:
        """Use tables that were made apart; the old ones go when nothing that was made with them is left."""
        for name, table in fresh.tables():
            table.lock = self._lock() or (TableLock(table.memory.fd) if self._shared else NullLock())
            self._tables[name] = table

    def of(self, campaign: Campaign, catalogue: Catalogue) -> Frequency:
        """What decisions of a campaign ask; its table must be open."""
        shop = self._tables.get(SHOP)
        own = self._tables[campaign.id] if campaign.caps else None
        if own is None and shop is None:
            return NoFrequency()
        return CappedFrequency(CappedArms(catalogue, campaign.caps, self._shop), own, shop)

    @property
    def longest_s(self) -> float:
        """The longest window of all caps, in seconds; 0 without caps."""
        return max((table.windows.longest_s for table in self._tables.values()), default=0.0)

    def tables(self) -> Iterator[tuple[str, FrequencyTable]]:
        """Campaign ids, or `SHOP`, with their tables."""
        yield from self._tables.items()

    def restore(self, decision: Decision, now: float) -> int:
        """Count a send that a journal tells of, unless it is counted, or past for all caps. Takes the locks.

        Args:
            decision: From the journal.
            now: The present, in seconds since 1970.

        Returns:
            How many tables had no room for it.
        """
        if decision.mode not in COUNTED or not decision.is_send or not is_pseudonym(decision.user):
            return 0
        key, at, id = bytes.fromhex(decision.user), decision.decided_at.timestamp(), bytes.fromhex(decision.id)
        channel, forgotten = _channel(decision.arm), 0
        for table in self._about(decision.campaign):
            if at <= now - table.windows.longest_s:
                continue
            caps = sum(1 << i for i, cap in enumerate(table.windows.caps) if cap.channel in (None, channel))
            if caps:
                with table.lock:
                    forgotten += not table.count(key, caps, at, id)
        return forgotten

    def give_back(self, campaign: str, user: str, decision_id: bytes, decided_at: datetime | None = None) -> None:
        """A send did not go out; without effect where it is not counted. Takes the locks.

        Args:
            campaign: The campaign's id.
            user: Pseudonym, 32 hexadecimal digits.
            decision_id: 16 bytes.
            decided_at: If known; aware.
        """
        if not is_pseudonym(user):
            return
        at = None if decided_at is None else decided_at.timestamp()
        for table in self._about(campaign):
            with table.lock:
                table.give_back(bytes.fromhex(user), decision_id, at)

    def erase(self, users: Collection[str]) -> int:
        """See `Erasable`: drop what is counted of shoppers. Takes the locks."""
        found = 0
        for table in self._tables.values():
            with table.lock:
                found += sum(table.forget(bytes.fromhex(user)) for user in users)
        return found

    def close(self) -> None:
        """Let the memory go in this process."""
        for table in self._tables.values():
            table.close()
        self._tables.clear()

    def _about(self, campaign: str) -> Iterator[FrequencyTable]:
        for name in (campaign, SHOP):
            if name in self._tables:
                yield self._tables[name]

    def _made(self, caps: Sequence[FrequencyCap]) -> FrequencyTable:
        return FrequencyTable(caps, self._users, shared=self._shared, lock=self._lock())

    def _lock(self) -> TableLock | NullLock | None:
        """The shop's: who uses a campaign's table uses the shop's, too, so one lock will do."""
        shop = self._tables.get(SHOP)
        return shop.lock if shop else None


@lru_cache(maxsize=4096)
def _channel(arm: ArmId) -> ChannelId:
    return Arm.parse(arm).channel
