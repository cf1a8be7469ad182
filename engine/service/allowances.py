"""The allowances of one worker, by campaign."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.core.limits import Limits
from engine.journal.position import Position
from engine.service.allowance import Allowance, MarkChain
from engine.service.taking_over import Recover
from engine.store.ledger import Ledger


class Allowances(Mapping[str, Allowance]):
    """Campaign id → its allowance; all of one worker's share a holder's name and a chain."""

    def __init__(self, ledger: Ledger, holder: str, recover: Callable[[str], Recover]) -> None:
        """Hold nothing yet.

        Args:
            ledger: Who leases.
            holder: Name of the worker's chain, with its node's before it where nodes share the ledger.
            recover: Campaign id → how to read what it spent.
        """
        self._ledger, self._holder, self._recover = ledger, holder, recover
        self._of: dict[str, Allowance] = {}

    def __getitem__(self, campaign: str) -> Allowance:
        return self._of[campaign]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def open(self, campaign: str, limits: Limits, revision: int, position: Position) -> Allowance:
        """Open a campaign's allowance; see `Allowance.open`. At a start, before anything is decided."""
        allowance = Allowance(campaign, limits, revision, self._ledger, self._holder)
        allowance.open(position, self._recover(campaign))
        self._of[campaign] = allowance
        return allowance

    async def change(self, campaign: str, limits: Limits, revision: int, mark: MarkChain) -> Allowance:
        """Make ready for a new or changed campaign; see `Allowance.change`. Then `Allowance.swap` with its serving."""
        allowance = self._of.get(campaign)
        if allowance is None:
            nothing = limits.without_limits()
            allowance = self._of[campaign] = Allowance(campaign, nothing, revision, self._ledger, self._holder)
        await allowance.change(limits, revision, mark, self._recover(campaign))
        return allowance

    async def checkpoint(self, mark: MarkChain) -> None:
        """Keep what every campaign has spent, at one mark; see `Allowance.keep`."""
        drafts = [(allowance, draft) for allowance in self._of.values() if (draft := allowance.draft())]
        if drafts:
            position = await mark()
            for allowance, draft in drafts:
                await allowance.keep(draft, position)

    async def close(self, mark: MarkChain) -> None:
        """Return what is left of every chunk; see `Allowance.close`. Before the journal is closed."""
        for allowance in self._of.values():
            await allowance.close(mark)
