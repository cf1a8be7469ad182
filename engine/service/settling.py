"""Ends a holder whose worker does not come back: counts what it spent, and returns the rest of its chunks."""

from __future__ import annotations

from engine.core.limits import Limits
from engine.journal.position import Position
from engine.service.ledger_exchange import exchange, requests_of
from engine.service.taking_over import Recover, take_over
from engine.store.ledger import Checkpoint, Ledger, account_name


def settle(
    ledger: Ledger, holder: str, campaign: str, limits: Limits, revision: int, position: Position, recover: Recover
) -> None:
    """Take a holder over and close it. Killed on the way, doing it again ends it just as well.

    Args:
        ledger: Who leases.
        holder: The gone worker's; nobody may be writing its chain.
        campaign: The campaign's id.
        limits: Its limits.
        revision: Of the campaign as stored.
        position: The end of the holder's chain.
        recover: Reads what was spent behind a checkpoint.

    Raises:
        Unavailable: If the ledger cannot be reached.
        CorruptState: If the chain is damaged.
    """
    taken = take_over(ledger, holder, campaign, limits.ids, position, recover, limits.prices)
    left = {limit_id: taken.holdings[limit_id].net - taken.spent[limit_id] for limit_id in limits.ids}
    plan = [(limit_id, -quantity) for limit_id, quantity in left.items() if quantity > 0]
    exchange(ledger, holder, plan, requests_of(campaign, plan, taken.holdings, limits, revision))
    epochs = {account_name(campaign, limit_id): taken.holdings[limit_id].epoch for limit_id in limits.ids}
    closed = {
        account_name(campaign, limit_id): Checkpoint(
            taken.spent[limit_id], position.segment, position.offset, taken.prices, closed=True
        )
        for limit_id in limits.ids
    }
    ledger.checkpoint(holder, epochs, closed)
