"""Budgets and stock of a data folder's workers, and of those that do not come back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from engine.config import Settings
from engine.core.errors import FailedPrecondition
from engine.core.limits import Limits
from engine.journal import ArmsOf, Position
from engine.journal.chain import Chain, chains
from engine.journal.chain_lock import ChainLock
from engine.service.allowances import Allowances
from engine.service.campaigns import Campaigns
from engine.service.ledger_holders import open_checkpoints
from engine.service.settling import settle
from engine.service.spending import nothing_given_back, spent_behind
from engine.service.taking_over import Recover
from engine.store.ledger import Ledger, account_name, node_name

log = logging.getLogger(__name__)


def open_allowances(settings: Settings, ledger: Ledger, chain: str, arms: ArmsOf) -> Allowances:
    """A worker's budgets and stock, none of them open yet.

    What was given back since the last checkpoint is not taken in after a kill: too little is then left, never too much.
    """
    return Allowances(ledger, holder_name(settings, chain), recoveries(settings, arms))


def settle_orphans(
    settings: Settings, campaigns: Campaigns, ledger: Ledger, arms: ArmsOf, keep: Collection[str]
) -> list[str]:
    """End the holders of workers that were killed and do not come back, as after lowering their number.

    What they had not spent can be leased again, and their chains are no longer held for it.

    Args:
        settings: All settings.
        campaigns: Whose budgets and stock.
        ledger: Where those are leased from.
        arms: Looks catalogues up.
        keep: Chains whose workers are about to start.

    Returns:
        Names of their chains.

    Raises:
        Unavailable: If the ledger cannot be reached.
        CorruptState: If such a chain is damaged.
    """
    node, settled = node_name(settings.folder), set()
    gone = {chain.name: chain for chain in chains(settings.folder / "journal") if chain.name not in keep}
    for stored in campaigns.all() if gone else ():
        campaign = stored.campaign
        limits = Limits(campaign, campaign.catalogue())
        accounts = [account_name(campaign.id, limit_id) for limit_id in limits.ids]
        left_open = {name for account in accounts for name, _ in open_checkpoints(ledger, node, account)}
        for name in sorted(left_open & gone.keys()):
            try:
                lock = ChainLock(gone[name].path)
            except FailedPrecondition:
                continue  # its writer is alive
            try:
                recover = recoveries(settings, arms)(campaign.id)
                end = _end(gone[name])
                settle(ledger, holder_name(settings, name), campaign.id, limits, stored.revision, end, recover)
            finally:
                lock.release()
            settled.add(name)
    for name in sorted(settled):
        log.info("%s: this worker does not come back; what it had not spent of budgets can be leased again", name)
    return sorted(settled)


def recoveries(settings: Settings, arms: ArmsOf) -> Callable[[str], Recover]:
    """Campaign → how to read what a chain spent of it behind a checkpoint."""

    def recover(campaign: str) -> Recover:
        journal = settings.folder / "journal"
        return lambda at, prices: spent_behind(journal, at, campaign, prices, nothing_given_back, arms)

    return recover


def holder_name(settings: Settings, chain: str) -> str:
    """What the ledger calls the worker of a chain."""
    return f"{node_name(settings.folder)}.{chain}"


def _end(chain: Chain) -> Position:
    segment = chain.segments()[-1]
    return Position(chain.name, segment, chain.segment_path(segment).stat().st_size)
