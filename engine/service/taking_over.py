"""How a worker finds what its holder has left, after whatever end the one before had."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.core.prices import Prices
from engine.journal.position import Position
from engine.store.ledger import Checkpoint, Holding, Ledger, account_name

Recover = Callable[[Position, Prices], Mapping[str, int]]
"""What was spent behind a position, by limit: `spent_behind` with its other arguments bound."""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """Accounts that are this process's now.

    Attributes:
        holdings: Limit → its holding.
        spent: Limit → all that the holder ever spent of it.
        prices: Those in force, the earlier ones considered for what comes back.
    """

    holdings: Mapping[str, Holding]
    spent: Mapping[str, int]
    prices: Prices


def take_over(
    ledger: Ledger,
    holder: str,
    campaign: str,
    limit_ids: Sequence[str],
    position: Position,
    recover: Recover,
    prices: Prices,
) -> TakenOver:
    """Open accounts, add what lies behind their checkpoints, and keep the sums as new checkpoints.

    After a clean end nothing is read. The new checkpoint is durable before the first chunk is leased, so that what is
    leased is always counted from a known place.

    Args:
        ledger: Who leases.
        holder: Whose accounts.
        campaign: The campaign's id.
        limit_ids: Its limits.
        position: The end of the holder's chain.
        recover: Reads what was spent behind a checkpoint.
        prices: In force from now on.

    Raises:
        Unavailable: If the ledger cannot be reached.
        CorruptState: If the chain is damaged.
    """
    accounts = {limit_id: account_name(campaign, limit_id) for limit_id in limit_ids}
    holdings = dict(zip(limit_ids, ledger.open(holder, list(accounts.values())), strict=True))
    read: dict[tuple[int, int], Mapping[str, int]] = {}
    spent = {}
    for limit_id, holding in holdings.items():
        kept = holding.checkpoint or Checkpoint(0, position.segment, position.offset, prices, closed=True)
        prices = kept.prices.followed_by(prices)
        spent[limit_id] = kept.spent
        if not kept.closed:
            place = (kept.segment, kept.offset)
            if place not in read:
                read[place] = recover(Position(position.chain, *place), kept.prices)
            spent[limit_id] += read[place].get(limit_id, 0)
    checkpoints = {
        accounts[limit_id]: Checkpoint(total, position.segment, position.offset, prices)
        for limit_id, total in spent.items()
    }
    ledger.checkpoint(holder, {accounts[i]: holding.epoch for i, holding in holdings.items()}, checkpoints)
    return TakenOver(holdings, spent, prices)
