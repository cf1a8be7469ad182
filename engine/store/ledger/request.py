"""What a holder asks of one account."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One lease or one giving back. Sent again after an unknown outcome, it is carried out once.

    Attributes:
        account: A campaign's limit, as `account_name` writes it.
        epoch: Of the holding, as opened.
        number: One more than that of the holding.
        quantity: How much, in minor currency units or sends; ≥ 0.
        amount: What the account may give out in all; not needed to give back.
        revision: Of the campaign that says so: an account keeps to the latest it was told.
    """

    account: str
    epoch: int
    number: int
    quantity: int
    amount: int = 0
    revision: int = 0


def account_name(campaign: str, limit: str) -> str:
    """The account of a campaign's limit.

    Examples:
        >>> account_name("autumn", "budget")
        'autumn/budget'
    """
    return f"{campaign}/{limit}"
