"""Who has been granted how much of what runs out, as a port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.store.ledger.checkpoint import Checkpoint
from engine.store.ledger.holding import Holding
from engine.store.ledger.request import Request
from engine.store.ledger.statement import Statement


class Ledger(Protocol):
    """Accounts and their holders; all that it answers is durable. One contract suite runs on every implementation.

    A holder is the name of a journal chain, with its node's before it where several nodes share the ledger. Whatever
    processes do at the same time, an account's grants less its returns never exceed the amount that came with the
    latest revision.
    """

    def open(self, holder: str, accounts: Sequence[str]) -> list[Holding]:
        """Take a holder's accounts over, each in a new epoch, and say how they stand.

        Raises:
            Unavailable: If the ledger cannot be reached.
        """
        ...

    def lease(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """Grant what is asked, or what there is left of it.

        The holdings afterwards say how much was granted. After an error some may have been carried out: send the same
        requests again.

        Raises:
            FailedPrecondition: If the holder was opened anew since, or a number is out of turn.
            Unavailable: If the ledger cannot be reached.
        """
        ...

    def give_back(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """Return what was leased and not spent, or what came back from sends that were not made.

        Raises:
            FailedPrecondition: As with `lease`; or if more comes back than all holders have.
            Unavailable: If the ledger cannot be reached.
        """
        ...

    def checkpoint(self, holder: str, epochs: Mapping[str, int], checkpoints: Mapping[str, Checkpoint]) -> None:
        """Keep what the holder had spent of each account at a place of its chain.

        Raises:
            FailedPrecondition: If an account was opened in a later epoch than the given one.
            Unavailable: If the ledger cannot be reached.
        """
        ...

    def checkpoints(self, account: str) -> Mapping[str, Checkpoint]:
        """Holder → its checkpoint, of those that have one.

        Raises:
            Unavailable: If the ledger cannot be reached.
        """
        ...

    def statement(self, account: str) -> Statement:
        """How an account stands; zeros for one that nobody opened.

        Raises:
            Unavailable: If the ledger cannot be reached.
        """
        ...

    def close(self) -> None:
        """Let the ledger go; grants stay as they are."""
        ...
