"""Ledgers against a model in a few lines, whatever holders do in whatever order."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from engine.core.errors import FailedPrecondition
from engine.core.prices import Prices
from engine.store.ledger import Checkpoint, Holding, Ledger, MemoryLedger, RedisLedger, Request, SqliteLedger

A = "spring/budget"
HOLDERS = st.sampled_from(["w0", "w1", "w2"])
QUANTITIES = st.integers(0, 60)
_numbers = itertools.count()


class LedgerMachine(RuleBasedStateMachine):
    """Holders lease, give back, repeat themselves, come late and are opened anew, while the amount moves."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger: Ledger
        if self.url.startswith("redis"):
            self.ledger = RedisLedger(self.url, f"model-{next(_numbers)}")
        else:
            path = Path(self.folder.name) / "ledger.db"
            self.ledger = SqliteLedger(path) if self.url == "sqlite" else MemoryLedger()
        self.of: dict[str, Holding] = {}
        self.amount, self.revision = 100, 1
        self.in_force: int | None = None  # what the ledger was told under the latest revision it knows
        self.last: dict[str, tuple[str, Request]] = {}

    def total(self) -> int:
        return sum(holding.granted - holding.returned for holding in self.of.values())

    @rule(holder=HOLDERS)
    def open(self, holder: str) -> None:
        known = self.of.get(holder, Holding(0, 0, 0, 0))
        self.of[holder] = Holding(known.epoch + 1, 0, known.granted, known.returned, known.checkpoint)
        self.last.pop(holder, None)
        assert self.ledger.open(holder, [A]) == [self.of[holder]]

    @rule(holder=HOLDERS, quantity=QUANTITIES, stale=st.booleans())
    def lease(self, holder: str, quantity: int, stale: bool) -> None:
        if holder not in self.of:
            return
        known = self.of[holder]
        told = (0, self.amount + 1000) if stale and self.revision > 1 else (self.revision, self.amount)
        request = Request(A, known.epoch, known.number + 1, quantity, told[1], told[0])
        if told[0] == self.revision or self.in_force is None:
            self.in_force = told[1]
        granted = max(0, min(quantity, self.in_force - self.total()))
        self.of[holder] = Holding(
            known.epoch, known.number + 1, known.granted + granted, known.returned, known.checkpoint
        )
        self.last[holder] = ("lease", request)
        assert self.ledger.lease(holder, [request]) == [self.of[holder]]

    @rule(holder=HOLDERS, quantity=QUANTITIES)
    def give_back(self, holder: str, quantity: int) -> None:
        if holder not in self.of:
            return
        known = self.of[holder]
        request = Request(A, known.epoch, known.number + 1, quantity)
        if quantity > self.total():
            with pytest.raises(FailedPrecondition):
                self.ledger.give_back(holder, [request])
            return
        self.of[holder] = Holding(
            known.epoch, known.number + 1, known.granted, known.returned + quantity, known.checkpoint
        )
        self.last[holder] = ("give_back", request)
        assert self.ledger.give_back(holder, [request]) == [self.of[holder]]

    @rule(holder=HOLDERS)
    def repeat(self, holder: str) -> None:
        if holder in self.last:
            verb, request = self.last[holder]
            assert getattr(self.ledger, verb)(holder, [request]) == [self.of[holder]]

    @rule(holder=HOLDERS, back=st.integers(1, 3))
    def come_late(self, holder: str, back: int) -> None:
        if holder in self.of:
            request = Request(A, self.of[holder].epoch - back, 1, 5, 10_000, self.revision)
            with pytest.raises(FailedPrecondition):
                self.ledger.lease(holder, [request])

    @rule(holder=HOLDERS, spent=st.integers(-50, 200))
    def checkpoint(self, holder: str, spent: int) -> None:
        if holder in self.of:
            known = self.of[holder]
            kept = Checkpoint(spent, 2, 640, Prices({"email": 1}, {"email": 1}), closed=spent % 2 == 0)
            self.of[holder] = Holding(known.epoch, known.number, known.granted, known.returned, kept)
            self.ledger.checkpoint(holder, {A: known.epoch}, {A: kept})

    @rule(amount=st.integers(0, 300))
    def set_amount(self, amount: int) -> None:
        self.amount, self.revision = amount, self.revision + 1

    @invariant()
    def the_sums_are_right(self) -> None:
        statement = self.ledger.statement(A)
        assert statement.leased == self.total()
        assert statement.holders == len(self.of)
        assert statement.spent == sum(h.checkpoint.spent for h in self.of.values() if h.checkpoint is not None)

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_every_ledger_does_as_the_model(kind: str, request: pytest.FixtureRequest) -> None:
    url = f"redis://127.0.0.1:{request.getfixturevalue('redis_port')}/0" if kind == "redis" else kind
    machine = type("Machine", (LedgerMachine,), {"url": url})
    run_state_machine_as_test(machine, settings=settings(max_examples=25, stateful_step_count=30, deadline=None))
