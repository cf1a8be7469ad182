"""One worker's part of a campaign's budget and stock: chunks are leased ahead, off the path of requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor

import numpy as np

from engine.core.arm import ArmId
from engine.core.errors import ArmsreachError, FailedPrecondition, Overloaded, Unavailable
from engine.core.limits import Limits
from engine.core.prices import Prices
from engine.core.purse import Purse
from engine.journal.position import Position
from engine.service.ledger_exchange import Plan, exchange, requests_of
from engine.service.taking_over import Recover, take_over
from engine.store.ledger import Checkpoint, Holding, Ledger, Request, account_name

log = logging.getLogger(__name__)

REASK_S = 1.0
"""How long after a refusal the ledger is asked again: others may have given something back."""

MarkChain = Callable[[], Awaitable[Position]]
"""Appends a mark to the worker's chain and returns its position once it is durable. It must stand behind every record
whose costs were taken before the call, and before every record whose costs are taken after it."""


class Allowance:
    """A campaign's purse in one worker, kept filled from the ledger in the background.

    A campaign without limits has an allowance too, from which everything can be paid. All methods belong to the event
    loop's thread. Deciding uses two of them, `excluded` before the draw and `take` after it, in one stretch with the
    appending of the record and without an await, so that a checkpoint falls between two decisions.

    Attributes:
        purse: What may be taken now.
        trouble: Why nothing more is leased; empty while all is well.
    """

    def __init__(
        self,
        campaign: str,
        limits: Limits,
        revision: int,
        ledger: Ledger,
        holder: str,
        executor: Executor | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Hold nothing yet; `open` says what the holder has.

        Args:
            campaign: Its id.
            limits: Its limits.
            revision: Of the campaign as stored, so that the ledger keeps to the latest amounts.
            ledger: Who leases.
            holder: Name of this worker's chain, with its node's before it where nodes share the ledger.
            executor: Where the ledger is waited for; by default the loop's own.
            now_s: Seconds of a clock that never steps back.
        """
        self._campaign, self._revision = campaign, revision
        self._ledger, self._holder = ledger, holder
        self._executor, self._now_s = executor, now_s
        self._known: dict[str, Holding] = {}
        self._fresh: dict[str, tuple[int, int]] = {}
        self._dropped: dict[str, int] = {}
        self._returning: dict[str, int] = {}
        self._pending: Plan = ()
        self._again: dict[str, float] = {}
        self._quiet_until = self._retry_at = 0.0
        self._refused = np.zeros(len(limits), dtype=bool)
        self._exchanging: asyncio.Future[list[Holding]] | None = None
        self._closed = False
        self.purse = Purse(limits)
        self._prices = limits.prices
        self.trouble = ""

    def open(self, position: Position, recover: Recover) -> None:
        """Take over what the holder has left, and lease the first chunks; waits for the ledger.

        Args:
            position: The end of the holder's chain; nothing behind it has been decided yet.
            recover: Reads what was spent behind the last checkpoint.

        Raises:
            Unavailable: If the ledger cannot be reached.
            CorruptState: If the chain is damaged.
        """
        limits = self.purse.limits
        self._fresh = self._register(limits, self._revision, limits.ids, position, recover)
        self._take_in()

    def excluded(self) -> np.ndarray | None:
        """Which arms cannot be paid; see `Limits.excluded`. Asks for more where little is left."""
        if not self.purse.is_low():
            return None  # what is not low pays even the dearest send
        self._ask()
        return self.purse.excluded()

    def take(self, arm: int) -> bool:
        """See `Purse.take`."""
        return self.purse.take(arm)

    def take_rows(self, chosen: np.ndarray) -> int:
        """See `Purse.take_rows`."""
        rows = self.purse.take_rows(chosen)
        if self.purse.is_low():
            self._ask()
        return rows

    def rows_together(self, n: int) -> int:
        """See `Limits.rows_together`."""
        return self.purse.rows_together(n)

    def give_back(self, arm: ArmId) -> None:
        """Take back what a decision for `arm` took, as it was not sent or could not be recorded.

        It stands in one stretch with the appending of the outcome, as `take` does with the decision's.
        """
        self.purse.give_back(arm)
        self._quiet_until = 0.0
        self._ask()

    async def refill(self) -> None:
        """Return once the ledger has answered what is wanted now; a batch waits here before it holds back."""
        self._ask()
        if self._exchanging is not None:
            await asyncio.wait([self._exchanging])

    def draft(self) -> dict[str, tuple[int, bool, Prices]]:
        """What is spent now, by limit, for `keep` once a mark made in the same stretch is durable."""
        spent = zip(self.purse.limits.ids, self.purse.spent.tolist(), strict=True)
        drafts = {limit_id: (total, self._closed, self._prices) for limit_id, total in spent}
        owing = {limit_id for limit_id, _ in self._pending}.union(self._returning)
        gone = {i: (total, True, self._prices) for i, total in self._dropped.items() if i not in owing}
        return drafts | gone

    async def keep(self, draft: Mapping[str, tuple[int, bool, Prices]], position: Position) -> None:
        """Make a draft the checkpoint, so that a start after a kill reads no more than what lies behind it.

        Raises:
            FailedPrecondition: If another process took the holder over.
            Unavailable: If the ledger cannot be reached; the last checkpoint stays good.
        """
        if not draft:
            return
        checkpoints = {
            self._account(limit_id): Checkpoint(spent, position.segment, position.offset, prices, closed)
            for limit_id, (spent, closed, prices) in draft.items()
        }
        epochs = {self._account(limit_id): self._known[limit_id].epoch for limit_id in draft}
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._ledger.checkpoint, self._holder, epochs, checkpoints)
        except FailedPrecondition as error:
            self._lost(error)
            raise
        for limit_id, (_, closed, _) in draft.items():
            if closed and self._dropped.pop(limit_id, None) is not None:
                del self._known[limit_id]

    async def checkpoint(self, mark: MarkChain) -> None:
        """Keep in the ledger what is spent up to now; see `keep`."""
        draft = self.draft()
        await self.keep(draft, await mark())

    async def change(self, limits: Limits, revision: int, mark: MarkChain, recover: Recover) -> None:
        """Make ready for changed limits, whether of money, prices or variants.

        Call it before the changed campaign is swapped in, and `swap` in the stretch that swaps it. Decisions between
        the two still take by the limits of before.

        Raises:
            FailedPrecondition, Unavailable, CorruptState: As with `open` and `keep`; the limits of before stay.
        """
        if limits.prices != self.purse.limits.prices or self._dropped:
            self._prices = self._prices.either(limits.prices)
            await self.checkpoint(mark)
        await self._answered()
        fresh = [limit_id for limit_id in limits.ids if limit_id not in self._known]
        if any(limit_id in fresh for limit_id, _ in self._pending):
            raise Unavailable(f"campaign {self._campaign}: the ledger has yet to take back what was leased; try again")
        if fresh:
            position = await mark()
            loop = asyncio.get_running_loop()
            self._fresh |= await loop.run_in_executor(
                self._executor, self._register, limits, revision, fresh, position, recover
            )

    def swap(self, limits: Limits, revision: int) -> None:
        """Take by the limits that `change` made ready. Where an amount was lowered, what is left here goes back."""
        amounts = {limit.id: limit.amount for limit in limits.limits}
        for limit, spent in zip(self.purse.limits.limits, self.purse.spent.tolist(), strict=True):
            if amounts.get(limit.id, -1) < limit.amount:
                left = self.purse.empty(limit.id)
                self._returning[limit.id] = self._returning.get(limit.id, 0) + left
            if limit.id not in amounts:
                self._dropped[limit.id] = spent
        self.purse, self._revision = self.purse.moved_to(limits), revision
        self._prices = self.purse.prices
        self._take_in()
        self._again.clear()
        self._quiet_until = 0.0
        self._ask()

    async def close(self, mark: MarkChain) -> None:
        """Take no more, and return what is left of the chunks.

        Raises:
            FailedPrecondition, Unavailable: As with `keep`; the next start then finds what is left here.
        """
        self._closed = True
        await self._answered()
        for limit_id in self.purse.limits.ids:
            self._returning[limit_id] = self._returning.get(limit_id, 0) + self.purse.empty(limit_id)
        for _ in range(2):  # what was asked before and has had no answer, then what is left
            plan = self._plan(0.0)
            if plan:
                self._pending = plan
                self._landed(plan, await self._exchange(plan))
        await self.checkpoint(mark)

    def _account(self, limit_id: str) -> str:
        return account_name(self._campaign, limit_id)

    def _register(
        self, limits: Limits, revision: int, limit_ids: Sequence[str], position: Position, recover: Recover
    ) -> dict[str, tuple[int, int]]:
        """Take limits over and lease their first chunks: limit → what is left and what is spent."""
        taken = take_over(self._ledger, self._holder, self._campaign, limit_ids, position, recover, self._prices)
        self._prices = self.purse.prices = taken.prices
        self._known |= taken.holdings
        of = {limit.id: limit for limit in limits.limits}
        left = {i: taken.holdings[i].net - taken.spent[i] for i in limit_ids}
        plan = [(i, of[i].chunk - left[i]) for i in limit_ids if left[i] < of[i].low]
        answers = exchange(self._ledger, self._holder, plan, self._requests(plan, limits, revision))
        self._known |= dict(zip((i for i, _ in plan), answers, strict=True))
        return {i: (self._known[i].net - taken.spent[i], taken.spent[i]) for i in limit_ids}

    def _take_in(self) -> None:
        for limit_id, (remaining, spent) in list(self._fresh.items()):
            if self.purse.add(limit_id, remaining, spent):
                del self._fresh[limit_id]

    def _plan(self, now: float) -> Plan:
        """What to ask next: first what had no answer, then what is to be returned, then what is low or too much."""
        if self._pending:
            return self._pending
        plan = [(limit_id, -quantity) for limit_id, quantity in self._returning.items() if quantity]
        taken = set(self._returning)
        self._returning.clear()
        wanted = zip(self.purse.limits.ids, self.purse.wanted().tolist(), strict=True)
        for limit_id, quantity in () if self._closed else wanted:
            if quantity < 0 and limit_id not in taken:
                self.purse.add(limit_id, quantity)
                plan.append((limit_id, quantity))
            elif quantity > 0 and limit_id not in taken and now >= self._again.get(limit_id, 0.0):
                plan.append((limit_id, quantity))
        return plan

    def _ask(self) -> None:
        """Begin an exchange with the ledger, unless one is under way or it is too early."""
        if self._exchanging is not None or self._closed or self.trouble:
            return
        now = self._now_s()
        if now < self._retry_at or (now < self._quiet_until and not (self.purse.low() & ~self._refused).any()):
            return
        plan = self._pending = self._plan(now)
        if not plan:
            again = [self._again.get(limit_id, 0.0) for limit_id in self.purse.limits.ids]
            self._refused = np.array(again) > now
            self._quiet_until = min((at for at in again if at > now), default=now)
            return
        self._exchanging = self._exchange(plan)
        self._exchanging.add_done_callback(lambda done: self._finished(plan, done))

    def _requests(self, plan: Plan, limits: Limits, revision: int) -> list[Request]:
        return requests_of(self._campaign, plan, self._known, limits, revision)

    def _exchange(self, plan: Plan) -> asyncio.Future[list[Holding]]:
        """Send a plan, in a thread."""
        requests = self._requests(plan, self.purse.limits, self._revision)
        loop = asyncio.get_running_loop()
        return loop.run_in_executor(self._executor, exchange, self._ledger, self._holder, plan, requests)

    def _landed(self, plan: Plan, holdings: Sequence[Holding]) -> None:
        """Take in what the ledger granted."""
        for (limit_id, quantity), holding in zip(plan, holdings, strict=True):
            granted = holding.granted - self._known[limit_id].granted
            self._known[limit_id] = holding
            if granted and not (not self._closed and self.purse.add(limit_id, granted)):
                self._returning[limit_id] = self._returning.get(limit_id, 0) + granted
            if granted < quantity:
                self._again[limit_id] = self._now_s() + REASK_S
        self._pending = ()

    def _finished(self, plan: Plan, done: asyncio.Future[list[Holding]]) -> None:
        self._exchanging = None
        if done.cancelled():
            return
        error = done.exception()
        if error is None:
            self._landed(plan, done.result())
            self._quiet_until = 0.0
            if self._returning or self.purse.is_low():
                self._ask()
        elif isinstance(error, Overloaded):
            log.warning("campaign %s: budgets are not topped up: %s", self._campaign, error)
            self._retry_at = self._now_s() + REASK_S
        else:
            self._lost(error)

    async def _answered(self) -> None:
        """Wait until no exchange is under way, and its answer is taken in."""
        while self._exchanging is not None:
            await asyncio.wait([self._exchanging])

    def _lost(self, error: BaseException) -> None:
        """Lease nothing more; and spend nothing more, where another process has what is left here."""
        self.trouble = str(error) if isinstance(error, ArmsreachError) else type(error).__name__
        if isinstance(error, FailedPrecondition):
            for limit_id in self.purse.limits.ids:
                self.purse.empty(limit_id)
        log.error("campaign %s: budgets are not topped up any more", self._campaign, exc_info=error)
