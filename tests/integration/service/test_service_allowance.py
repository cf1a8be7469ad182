"""A worker's allowance against a ledger, step by step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from engine.core.arm import ArmId, ChannelId, SlotId, VariantId
from engine.core.budget import Budget
from engine.core.campaign import Campaign
from engine.core.errors import FailedPrecondition, Unavailable
from engine.core.limits import Limits
from engine.core.placement import Channel, Slot
from engine.core.prices import Prices
from engine.core.variant import Variant
from engine.journal.position import Position
from engine.service.allowance import Allowance
from engine.service.allowances import Allowances
from engine.store.ledger import Holding, MemoryLedger, Request

EMAIL, SMS = 1, 2  # arms of variant a


def limits(amount: int | None = 1000, chunk: int = 100, sms: int = 7, stock: int | None = None) -> Limits:
    texts = {ChannelId("email"): {"subject": "x"}, ChannelId("sms"): {"text": "x"}}
    made = Campaign(
        "c",
        (Channel(ChannelId("email"), cost_minor=1), Channel(ChannelId("sms"), cost_minor=sms)),
        (Slot(SlotId("now")),),
        variants=(Variant(VariantId("a"), channels=texts, stock=stock, stock_chunk=5),),
        budget=None if amount is None else Budget(amount, chunk),
    )
    return Limits(made, made.catalogue())


class Chain:
    """A chain of which only the positions matter; tells what lies behind one."""

    def __init__(self) -> None:
        self.taken: list[tuple[ArmId, int]] = []
        self.asked: list[tuple[Position, Prices]] = []

    @property
    def end(self) -> Position:
        return Position("w0", 1, len(self.taken))

    async def mark(self) -> Position:
        return self.end

    def recover(self, position: Position, prices: Prices) -> Mapping[str, int]:
        self.asked.append((position, prices))
        total: dict[str, int] = {}
        for arm, sign in self.taken[position.offset :]:
            for limit, quantity in (prices.charged if sign > 0 else prices.refunded)(arm).items():
                total[limit] = total.get(limit, 0) + sign * quantity
        return total


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


class Flaky(MemoryLedger):
    """Fails when told to: before the request reaches it, or after it was carried out."""

    fail: str = ""

    def lease(self, holder: str, requests: Sequence[Request]) -> list[Holding]:
        if self.fail == "before":
            raise Unavailable("away; see that it runs")
        answer = super().lease(holder, requests)
        if self.fail == "after":
            raise Unavailable("the answer was lost; see that it runs")
        return answer


class Worker:
    def __init__(self, ledger: MemoryLedger, of: Limits, chain: Chain | None = None, name: str = "w0") -> None:
        self.chain, self.clock, self.ledger = chain or Chain(), Clock(), ledger
        self.allowance = Allowance("c", of, 1, ledger, name, now_s=self.clock)
        self.allowance.open(self.chain.end, self.chain.recover)

    @property
    def left(self) -> list[int]:
        return [int(left) for left in self.allowance.purse.remaining]

    def send(self, arm: int, times: int = 1) -> int:
        done = 0
        while done < times and self.allowance.take(arm):
            self.chain.taken.append((ArmId(("", "a/email/now", "a/sms/now")[arm]), 1))
            done += 1
        return done

    async def send_all(self, arm: int, most: int) -> int:
        total = 0
        for _ in range(most):
            if not self.send(arm):
                await self.allowance.refill()
                if not self.send(arm):
                    return total
            total += 1
        return total


async def test_a_chunk_is_leased_before_the_first_decision_and_topped_up_below_half() -> None:
    worker = Worker(MemoryLedger(), limits())
    assert worker.left == [100]
    worker.send(EMAIL, 50)
    assert worker.allowance._exchanging is None
    worker.send(EMAIL)
    await worker.allowance.refill()
    assert worker.left == [100]
    assert worker.ledger.statement("c/budget").leased == 151


async def test_all_of_it_is_spent_and_no_more() -> None:
    worker = Worker(MemoryLedger(), limits(amount=333))
    assert await worker.send_all(EMAIL, 1000) == 333
    excluded = worker.allowance.excluded()
    assert excluded is not None
    assert excluded.tolist() == [0, 1, 1]


async def test_a_refusal_is_asked_again_after_a_second_not_before() -> None:
    ledger = MemoryLedger()
    other = Worker(ledger, limits(amount=150), name="w1")
    worker = Worker(ledger, limits(amount=150))
    assert await worker.send_all(EMAIL, 200) == 50
    await other.allowance.close(other.chain.mark)
    worker.clock.at = 0.9
    await worker.allowance.refill()
    assert worker.left == [0]
    worker.clock.at = 1.1
    worker.allowance.excluded()
    await worker.allowance.refill()
    assert worker.left == [100]


async def test_a_limit_that_is_used_up_does_not_keep_another_from_being_topped_up() -> None:
    worker = Worker(MemoryLedger(), limits(amount=500, stock=5))
    assert await worker.send_all(EMAIL, 9) == 5
    await worker.allowance.refill()
    worker.allowance.excluded()
    worker.allowance.purse.remaining[0] = 3
    worker.allowance.excluded()
    await worker.allowance.refill()
    assert worker.left == [100, 0]


@pytest.mark.parametrize("fail", ["before", "after"])
async def test_an_unknown_outcome_is_asked_again_and_granted_once(fail: str) -> None:
    ledger = Flaky()
    worker = Worker(ledger, limits())
    ledger.fail = fail
    worker.send(EMAIL, 60)
    await worker.allowance.refill()
    assert worker.left == [40]
    ledger.fail = ""
    worker.allowance.excluded()
    assert worker.left == [40], "not before a second has passed"
    worker.clock.at = 2.0
    await worker.allowance.refill()
    assert sum(worker.left) + 60 == ledger.statement("c/budget").leased
    assert ledger.statement("c/budget").leased <= 160
    assert worker.allowance.trouble == ""


async def test_a_worker_that_was_killed_finds_what_its_chunk_has_left() -> None:
    ledger, chain = MemoryLedger(), Chain()
    first = Worker(ledger, limits(stock=50), chain)
    first.send(SMS, 2)
    await first.allowance.checkpoint(chain.mark)
    first.send(EMAIL, 3)
    first.allowance.give_back(ArmId("a/email/now"))
    chain.taken.append((ArmId("a/email/now"), -1))
    second = Worker(ledger, limits(stock=50), chain)
    assert chain.asked[0][0] == Position("w0", 1, 2)
    assert [statement.leased for statement in (ledger.statement("c/budget"), ledger.statement("c/stock:a"))] == [100, 9]
    assert second.left == [100 - 14 - 2, 5]
    assert second.allowance.purse.spent.tolist() == [16, 4]
    third = Worker(ledger, limits(stock=50), chain)
    assert third.left == second.left


async def test_the_worker_before_is_shut_out_and_spends_nothing_more() -> None:
    ledger, chain = MemoryLedger(), Chain()
    first, second = Worker(ledger, limits(), chain), Worker(ledger, limits(), chain)
    with pytest.raises(FailedPrecondition):
        await first.allowance.checkpoint(chain.mark)
    assert first.left == [0]
    assert "another one opened it" in first.allowance.trouble
    assert second.left == [100]
    assert ledger.statement("c/budget").leased == 100


async def test_a_clean_end_returns_the_rest_and_the_next_start_reads_nothing() -> None:
    ledger, chain = MemoryLedger(), Chain()
    worker = Worker(ledger, limits(stock=9), chain)
    worker.send(SMS, 3)
    await worker.allowance.close(chain.mark)
    assert worker.send(EMAIL) == 0
    statements = [ledger.statement("c/budget"), ledger.statement("c/stock:a")]
    assert [(s.leased, s.spent, s.outstanding) for s in statements] == [(21, 21, 0), (3, 3, 0)]
    chain.asked.clear()
    assert Worker(ledger, limits(stock=9), chain).left == [100, 5]
    assert chain.asked == []


async def test_what_comes_back_above_a_chunk_goes_to_others() -> None:
    ledger = MemoryLedger()
    worker = Worker(ledger, limits(amount=120))
    worker.send(EMAIL, 51)
    await worker.allowance.refill()
    for _ in range(51):
        worker.allowance.give_back(ArmId("a/email/now"))
        await worker.allowance.refill()
    assert worker.left[0] <= 100
    assert ledger.statement("c/budget").leased == worker.left[0]


async def test_raising_the_amount_lifts_the_exhaustion_and_lowering_it_ends_the_spending() -> None:
    ledger = MemoryLedger()
    worker = Worker(ledger, limits(amount=60))
    assert await worker.send_all(EMAIL, 100) == 60
    for revision, amount, sent in ((2, 100, 40), (3, 500, 10), (4, 30, 0), (5, 130, 20)):
        changed = limits(amount=amount)
        await worker.allowance.change(changed, revision, worker.chain.mark, worker.chain.recover)
        worker.allowance.swap(changed, revision)
        await worker.allowance.refill()
        await worker.allowance.refill()
        assert await worker.send_all(EMAIL, sent or 1) == sent
    assert ledger.statement("c/budget").leased == 130


async def test_prices_that_change_are_counted_as_they_were() -> None:
    ledger, chain = MemoryLedger(), Chain()
    worker = Worker(ledger, limits(), chain)
    worker.send(SMS, 2)
    dearer = limits(sms=9)
    await worker.allowance.change(dearer, 2, chain.mark, chain.recover)
    assert worker.send(SMS) == 1, "by the price of before, and if killed now by the higher one"
    assert Worker(ledger, dearer, chain).allowance.purse.spent.tolist() == [14 + 9]


async def test_after_a_swap_the_new_price_counts_and_the_lower_one_comes_back() -> None:
    ledger, chain = MemoryLedger(), Chain()
    worker = Worker(ledger, limits(), chain)
    worker.send(SMS)
    dearer = limits(sms=9)
    await worker.allowance.change(dearer, 2, chain.mark, chain.recover)
    worker.allowance.swap(dearer, 2)
    await worker.allowance.checkpoint(chain.mark)
    worker.send(SMS)
    worker.allowance.give_back(ArmId("a/sms/now"))
    chain.taken.append((ArmId("a/sms/now"), -1))
    assert worker.allowance.purse.spent.tolist() == [7 + 9 - 7]
    assert Worker(ledger, dearer, chain).allowance.purse.spent.tolist() == [9]


async def test_limits_come_and_go() -> None:
    ledger, chain = MemoryLedger(), Chain()
    allowances = Allowances(ledger, "w0", lambda _: chain.recover)
    free, stocked = limits(amount=None), limits(amount=None, stock=20)
    for revision, of in enumerate((free, stocked, free, stocked), start=1):
        allowance = await allowances.change("c", of, revision, chain.mark)
        allowance.swap(of, revision)
        await allowance.refill()
        for _ in range(3):
            assert allowance.take(SMS)
            chain.taken.append((ArmId("a/sms/now"), 1))
        await allowances.checkpoint(chain.mark)
    assert allowance.purse.spent.tolist() == [6], "what was sent while there was no limit is not counted"
    assert ledger.statement("c/stock:a").spent == 6
    await allowances.close(chain.mark)
    assert ledger.statement("c/stock:a").leased == 6


async def test_a_batch_splits_only_where_the_money_ends() -> None:
    worker = Worker(MemoryLedger(), limits(amount=250, chunk=200))
    chosen = np.full(300, EMAIL)
    paid, calls = 0, 0
    while paid < 300 and calls < 20:
        calls += 1
        rows = worker.allowance.take_rows(chosen[paid:])
        paid += rows
        await worker.allowance.refill()
        excluded = worker.allowance.excluded()
        if excluded is not None and excluded[EMAIL]:
            break
    assert paid == 250
    assert calls <= 8


async def test_an_allowance_without_limits_pays_for_everything_and_asks_nobody() -> None:
    worker = Worker(MemoryLedger(), limits(amount=None))
    assert worker.allowance.excluded() is None
    assert worker.send(SMS, 10_000) == 10_000
    assert worker.allowance.draft() == {}
    await worker.allowance.close(worker.chain.mark)


async def test_many_at_once_share_one_ledger_without_overspending() -> None:
    ledger = MemoryLedger()
    workers = [Worker(ledger, limits(amount=997, chunk=50), name=f"w{i}") for i in range(4)]
    sent = await asyncio.gather(*(worker.send_all(EMAIL, 2000) for worker in workers))
    assert sum(sent) <= 997
    assert 997 - sum(sent) <= 50 * 4
    assert sum(sent) + sum(sum(worker.left) for worker in workers) == ledger.statement("c/budget").leased
