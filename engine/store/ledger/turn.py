"""The one rule by which requests are carried out, shared by all ledgers that compute here."""

from __future__ import annotations

from dataclasses import replace

from engine.core.errors import FailedPrecondition, InvalidInput
from engine.store.ledger.holding import Holding
from engine.store.ledger.request import Request


def is_new(holder: str, request: Request, holding: Holding) -> bool:
    """Whether a request is to be carried out; False where it was already.

    Raises:
        FailedPrecondition: If it is of an earlier epoch, or out of turn.
        InvalidInput: If its quantity is below 0.
    """
    if request.quantity < 0:
        raise InvalidInput(f"expected a quantity ≥ 0, got {request.quantity}", field=request.account)
    if request.epoch != holding.epoch:
        raise taken_over(holder, request.account)
    if request.number not in (holding.number, holding.number + 1):
        raise out_of_turn(holder, request.account)
    return request.number == holding.number + 1


def leased(request: Request, holding: Holding, amount: int, others_and_own: int) -> Holding:
    """The holding after a lease from an account of which `others_and_own` is leased already."""
    granted = max(0, min(request.quantity, amount - others_and_own))
    return replace(holding, number=request.number, granted=holding.granted + granted)


def returned(request: Request, holding: Holding, others_and_own: int) -> Holding:
    """The holding after giving back.

    Raises:
        FailedPrecondition: If more comes back than was ever given out.
    """
    if request.quantity > others_and_own:
        raise too_much(request.account)
    return replace(holding, number=request.number, returned=holding.returned + request.quantity)


def taken_over(holder: str, account: str) -> FailedPrecondition:
    """The error for an epoch that is over."""
    return FailedPrecondition(
        f"{account}: expected {holder} to be one process's, but another one opened it since; stop one of the two, or"
        " give each its own name"
    )


def out_of_turn(holder: str, account: str) -> FailedPrecondition:
    """The error for a number that does not follow the last."""
    return FailedPrecondition(
        f"{account}: expected the next request of {holder}, got one out of turn; open the holder anew"
    )


def too_much(account: str) -> FailedPrecondition:
    """The error for giving back what was never given out."""
    return FailedPrecondition(
        f"{account}: expected to get back at most what was leased, got more; the ledger may be an old copy: restore"
        " the latest"
    )
