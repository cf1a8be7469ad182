"""The campaigns a worker decides for: each with its caps and limits ready before it is swapped in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from engine.core.campaign import Campaign
from engine.core.errors import ArmsreachError, Unavailable
from engine.core.limits import Limits
from engine.journal import JournalReader, Position
from engine.service.allowance import Allowance, MarkChain
from engine.service.allowances import Allowances
from engine.service.frequencies import Frequencies
from engine.service.frequency_recall import recall_frequencies
from engine.service.restraint import Restraint
from engine.service.serving import Serving

log = logging.getLogger(__name__)


class Adoption(Mapping[str, Serving]):
    """Campaign id → the `Serving` that decides. It follows the registry, a campaign at a time.

    Arms have other numbers in another catalogue, so a `Serving` and the purse that it pays from are swapped in one
    stretch. Until a changed campaign's caps and limits are ready, the worker decides by what it had.
    """

    def __init__(
        self,
        registry: Mapping[str, Serving],
        allowances: Allowances,
        frequencies: Frequencies,
        reader: Callable[[], JournalReader],
        now: Callable[[], datetime],
        refork: Callable[[], None] | None = None,
    ) -> None:
        """Adopt nothing yet.

        Args:
            registry: What there is to serve.
            allowances: The worker's budgets and stock.
            frequencies: The host's frequency caps.
            reader: Opens the journal.
            now: The present.
            refork: Asks for new workers, as tables that all share are made before they are forked; None where there
                is one worker.
        """
        self._registry = registry
        self._allowances = allowances
        self._frequencies = frequencies
        self._reader = reader
        self._now = now
        self._refork = refork
        self._adopted: dict[str, Serving] = {}
        self._following = asyncio.Lock()
        self._waiting: set[str] = set()

    def __getitem__(self, campaign: str) -> Serving:
        try:
            return self._adopted[campaign]
        except KeyError:
            if campaign in self._registry:
                raise Unavailable("campaign: its caps and budgets are being made ready; try again") from None
            raise

    def __iter__(self) -> Iterator[str]:
        return iter(self._adopted)

    def __len__(self) -> int:
        return len(self._adopted)

    def open(self, position: Position) -> None:
        """Adopt all there is, before anything is decided; waits for ledger and journal.

        Args:
            position: The end of this worker's chain.
        """
        for name, serving in self._registry.items():
            limits = Limits(serving.campaign, serving.catalogue)
            if len(limits):
                self._allowances.open(name, limits, serving.revision, position)
            if self._refork is None:
                self._frequencies.open(serving.campaign)
            if self._lacks_table(serving.campaign):
                continue  # made since the tables were: the next workers have it
            self._swap(name, serving)

    async def follow(self, mark: MarkChain) -> None:
        """Adopt what has changed.

        Args:
            mark: Marks the worker's chain.
        """
        async with self._following:
            for name, serving in list(self._registry.items()):
                if self._adopted.get(name) is not serving:
                    try:
                        await self._adopt(name, serving, mark)
                    except ArmsreachError as error:
                        log.error("campaign %s: its change is not in force yet: %s", name, error)

    async def _adopt(self, name: str, serving: Serving, mark: MarkChain) -> None:
        known = self._adopted.get(name)
        if known is not None and known.campaign is serving.campaign:
            serving.restraint = known.restraint
            self._adopted[name] = serving
            return
        fresh = self._frequencies.fresh(serving.campaign)
        if fresh is not None and self._refork is not None:
            if name not in self._waiting:
                self._waiting.add(name)
                log.warning("campaign %s: new frequency caps need new workers; they are restarted one by one", name)
                self._refork()
            return
        limits = Limits(serving.campaign, serving.catalogue)
        allowance = None
        if len(limits) or name in self._allowances:
            allowance = await self._allowances.change(name, limits, serving.revision, mark)
        if fresh is not None:
            began = self._now()
            await asyncio.to_thread(recall_frequencies, self._reader(), fresh, began)
            # And what was sent meanwhile; in this turn, so that nothing falls in between.
            reader = self._reader()
            recall_frequencies(reader, fresh, self._now(), reader.positions_before(began))
            self._frequencies.adopt(fresh)
        if allowance is not None:
            allowance.swap(limits, serving.revision)
        self._swap(name, serving)
        if fresh is not None:
            # And what had been counted by the old caps, but not yet written when it was read.
            await mark()
            reader = self._reader()
            recall_frequencies(reader, self._frequencies, self._now(), reader.positions_before(began))

    def _swap(self, name: str, serving: Serving) -> None:
        allowance: Allowance | None = self._allowances.get(name)
        frequency = self._frequencies.of(serving.campaign, serving.catalogue)
        serving.restraint = Restraint(frequency, allowance)
        self._adopted[name] = serving
        self._waiting.discard(name)

    def _lacks_table(self, campaign: Campaign) -> bool:
        return bool(campaign.caps) and self._frequencies.fresh(campaign) is not None
