"""One round of leasing and giving back with the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.core.limits import Limits
from engine.store.ledger import Holding, Ledger, Request, account_name

Plan = Sequence[tuple[str, int]]
"""Limit → how much to lease (above 0) or to give back (below 0); each limit once."""


def requests_of(
    campaign: str, plan: Plan, known: Mapping[str, Holding], limits: Limits, revision: int
) -> list[Request]:
    """A plan as the ledger takes it; the same plan made again has the same numbers."""
    amounts = {limit.id: limit.amount for limit in limits.limits}
    return [
        Request(
            account_name(campaign, limit_id),
            known[limit_id].epoch,
            known[limit_id].number + 1,
            abs(quantity),
            amounts.get(limit_id, 0),
            revision,
        )
        for limit_id, quantity in plan
    ]


def exchange(ledger: Ledger, holder: str, plan: Plan, requests: Sequence[Request]) -> list[Holding]:
    """Send a plan's requests, what is given back first. Sent again, each is carried out once.

    Raises:
        FailedPrecondition: If another process took the holder over.
        Unavailable: If the ledger cannot be reached; some requests may have been carried out.
    """
    pairs = list(zip(plan, requests, strict=True))
    back = [request for (_, quantity), request in pairs if quantity < 0]
    more = [request for (_, quantity), request in pairs if quantity > 0]
    answers = dict(zip([r.account for r in back], ledger.give_back(holder, back), strict=True))
    answers |= zip([r.account for r in more], ledger.lease(holder, more), strict=True)
    return [answers[request.account] for request in requests]
