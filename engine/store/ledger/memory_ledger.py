"""The ledger in memory, for simulations and tests: nothing outlives the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from engine.store.ledger.checkpoint import Checkpoint
from engine.store.ledger.holding import Holding
from engine.store.ledger.request import Request
from engine.store.ledger.statement import Statement
from engine.store.ledger.turn import is_new, leased, returned, taken_over

_NOBODY = Holding(0, 0, 0, 0)


class MemoryLedger:
    """See `Ledger`; threads take turns."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._accounts: dict[str, dict[str, Holding]] = {}
        self._amounts: dict[str, tuple[int, int]] = {}

    def open(self, holder: str, accounts: Sequence[str]) -> list[Holding]:
        """See `Ledger`."""
        with self._guard:
            for account in accounts:
                known = self._accounts.setdefault(account, {}).get(holder, _NOBODY)
                self._accounts[account][holder] = replace(known, epoch=known.epoch + 1, number=0)
            return [self._accounts[account][holder] for account in accounts]

    def lease(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """See `Ledger`."""

        def carry_out(request: Request, holding: Holding, total: int) -> Holding:
            if request.revision >= self._amounts.get(request.account, (0, 0))[0]:
                self._amounts[request.account] = (request.revision, request.amount)
            return leased(request, holding, self._amounts[request.account][1], total)

        return self._all(holder, requests, carry_out)

    def give_back(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        """See `Ledger`."""
        return self._all(holder, requests, returned)

    def checkpoint(self, holder: str, epochs: Mapping[str, int], checkpoints: Mapping[str, Checkpoint]) -> None:
        """See `Ledger`."""
        with self._guard:
            for account in checkpoints:
                if self._accounts.get(account, {}).get(holder, _NOBODY).epoch != epochs[account]:
                    raise taken_over(holder, account)
            for account, checkpoint in checkpoints.items():
                self._accounts[account][holder] = replace(self._accounts[account][holder], checkpoint=checkpoint)

    def checkpoints(self, account: str) -> Mapping[str, Checkpoint]:
        """See `Ledger`."""
        with self._guard:
            of = self._accounts.get(account, {})
            return {holder: held.checkpoint for holder, held in of.items() if held.checkpoint is not None}

    def statement(self, account: str) -> Statement:
        """See `Ledger`."""
        with self._guard:
            holdings = list(self._accounts.get(account, {}).values())
        spent = sum(holding.checkpoint.spent for holding in holdings if holding.checkpoint is not None)
        return Statement(sum(holding.net for holding in holdings), spent, len(holdings))

    def close(self) -> None:
        """See `Ledger`; nothing to do."""

    def _all(
        self, holder: str, requests: Sequence[Request], carry_out: Callable[[Request, Holding, int], Holding]
    ) -> list[Holding]:
        answers = []
        with self._guard:
            for request in requests:
                of = self._accounts.setdefault(request.account, {})
                holding = of.get(holder, _NOBODY)
                if is_new(holder, request, holding):
                    holding = carry_out(request, holding, sum(each.net for each in of.values()))
                    of[holder] = holding
                answers.append(holding)
        return answers
