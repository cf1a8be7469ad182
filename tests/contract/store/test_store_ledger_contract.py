"""What every ledger must do, wherever it keeps its accounts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from engine.core.errors import FailedPrecondition, InvalidInput
from engine.core.prices import Prices
from engine.store.ledger import Checkpoint, Holding, Ledger, Request, Statement, account_name

ROOT = Path(engine.__file__).parents[1]
A = account_name("spring", "budget")
B = account_name("spring", "stock:warm-10")


class Holder:
    """A holder of one account that asks in turn."""

    def __init__(self, ledger: Ledger, name: str, account: str = A) -> None:
        self.ledger, self.name, self.account = ledger, name, account
        self.holding = ledger.open(name, [account])[0]

    def request(self, quantity: int, amount: int = 0, revision: int = 1) -> Request:
        return Request(self.account, self.holding.epoch, self.holding.number + 1, quantity, amount, revision)

    def lease(self, quantity: int, amount: int = 100, revision: int = 1) -> int:
        before = self.holding.granted
        self.holding = self.ledger.lease(self.name, [self.request(quantity, amount, revision)])[0]
        return self.holding.granted - before

    def give_back(self, quantity: int) -> None:
        self.holding = self.ledger.give_back(self.name, [self.request(quantity)])[0]


def test_a_new_holder_has_nothing(ledger: Ledger) -> None:
    assert ledger.statement(A) == Statement(0, 0, 0)
    assert ledger.open("w0", [A, B]) == [Holding(1, 0, 0, 0), Holding(1, 0, 0, 0)]
    assert ledger.statement(A) == Statement(0, 0, 1)


def test_grants_end_at_the_amount_whoever_asks(ledger: Ledger) -> None:
    one, two = Holder(ledger, "w0"), Holder(ledger, "w1")
    assert [one.lease(40), two.lease(40), one.lease(40), two.lease(40)] == [40, 40, 20, 0]
    assert ledger.statement(A).leased == 100


def test_accounts_have_nothing_to_do_with_each_other(ledger: Ledger) -> None:
    assert [Holder(ledger, "w0").lease(90), Holder(ledger, "w0", B).lease(90)] == [90, 90]


def test_what_is_given_back_is_granted_again(ledger: Ledger) -> None:
    one, two = Holder(ledger, "w0"), Holder(ledger, "w1")
    one.lease(100)
    one.give_back(30)
    one.give_back(0)
    assert (one.holding.granted, one.holding.returned, one.holding.net) == (100, 30, 70)
    assert two.lease(100) == 30


def test_a_request_sent_twice_is_carried_out_once(ledger: Ledger) -> None:
    holder = Holder(ledger, "w0")
    request = holder.request(40, 100)
    assert ledger.lease("w0", [request]) == ledger.lease("w0", [request]) == [Holding(1, 1, 40, 0)]
    back = Request(A, 1, 2, 10)
    assert ledger.give_back("w0", [back]) == ledger.give_back("w0", [back]) == [Holding(1, 2, 40, 10)]
    assert ledger.statement(A).leased == 30


def test_a_number_out_of_turn_is_refused(ledger: Ledger) -> None:
    Holder(ledger, "w0").lease(10)
    for number in (0, 3):
        with pytest.raises(FailedPrecondition, match="out of turn"):
            ledger.lease("w0", [Request(A, 1, number, 10, 100, 1)])
    assert ledger.statement(A).leased == 10


def test_opening_a_holder_anew_shuts_the_earlier_one_out(ledger: Ledger) -> None:
    first = Holder(ledger, "w0")
    first.lease(40)
    second = Holder(ledger, "w0")
    assert second.holding == Holding(2, 0, 40, 0)
    with pytest.raises(FailedPrecondition, match="another one opened it"):
        first.lease(10)
    with pytest.raises(FailedPrecondition, match="another one opened it"):
        first.give_back(10)
    with pytest.raises(FailedPrecondition, match="another one opened it"):
        ledger.checkpoint("w0", {A: 1}, {A: Checkpoint(0, 1, 0, Prices())})
    with pytest.raises(FailedPrecondition):
        ledger.lease("nobody", [Request(A, 1, 1, 10, 100, 1)])
    assert second.lease(10) == 10


def test_amounts_may_change_and_the_latest_revision_counts(ledger: Ledger) -> None:
    one, two = Holder(ledger, "w0"), Holder(ledger, "w1")
    assert one.lease(100, 100, revision=1) == 100
    assert one.lease(50, 130, revision=2) == 30
    assert one.lease(50, 60, revision=3) == 0
    assert two.lease(50, 200, revision=2) == 0, "a worker that has not seen the cut yet must not undo it"
    one.give_back(80)
    assert two.lease(50, 60, revision=3) == 10


def test_a_holder_may_give_back_more_than_it_got_but_not_more_than_all_have(ledger: Ledger) -> None:
    one, two = Holder(ledger, "w0"), Holder(ledger, "w1")
    one.lease(40)
    two.give_back(15)
    assert two.holding.net == -15
    assert ledger.statement(A).leased == 25
    with pytest.raises(FailedPrecondition, match="got more"):
        two.give_back(26)
    assert ledger.statement(A).leased == 25


def test_less_than_nothing_is_refused(ledger: Ledger) -> None:
    holder = Holder(ledger, "w0")
    for ask in (ledger.lease, ledger.give_back):
        with pytest.raises(InvalidInput, match="≥ 0"):
            ask("w0", [holder.request(-1, 100)])


def test_checkpoints_are_kept_and_summed(ledger: Ledger) -> None:
    one, two = Holder(ledger, "w0"), Holder(ledger, "w1")
    one.lease(40)
    two.lease(40)
    kept = Checkpoint(25, 3, 1 << 40, Prices({"email": 2, "sms": 7}, {"email": 1, "sms": 7}), closed=True)
    ledger.checkpoint("w0", {A: 1}, {A: kept})
    ledger.checkpoint("w1", {A: 1}, {A: Checkpoint(-5, 1, 16, Prices())})
    assert ledger.open("w0", [A])[0] == Holding(2, 0, 40, 0, kept)
    statement = ledger.statement(A)
    assert (statement.spent, statement.outstanding, statement.holders) == (20, 60, 2)
    ledger.open("w2", [A])
    assert ledger.checkpoints(A) == {"w0": kept, "w1": Checkpoint(-5, 1, 16, Prices())}
    assert ledger.checkpoints("nobody's/budget") == {}


def test_large_quantities_stay_exact(ledger: Ledger) -> None:
    holder = Holder(ledger, "w0")
    largest = 1 << 53
    assert [holder.lease(largest - 1, largest), holder.lease(5, largest)] == [largest - 1, 1]
    holder.give_back(largest - 2)
    assert ledger.statement(A).leased == 2


def test_several_accounts_in_one_call(ledger: Ledger) -> None:
    ledger.open("w0", [A, B])
    got = ledger.lease("w0", [Request(A, 1, 1, 10, 100, 1), Request(B, 1, 1, 10, 4, 1)])
    assert [holding.granted for holding in got] == [10, 4]
    assert ledger.lease("w0", []) == []


RACER = """
import runpy, sys
from pathlib import Path
from engine.store.ledger import Request
opened = runpy.run_path(sys.argv[1])["opened"]
name, amount, total, number = sys.argv[3], int(sys.argv[4]), 0, 0
sys.stdin.readline()
ledger = opened(sys.argv[2])
epoch = ledger.open(name, ["spring/budget"])[0].epoch
for step in range(10_000):
    number += 1
    holding = ledger.lease(name, [Request("spring/budget", epoch, number, 7 + step % 5, amount, 1)])[0]
    if holding.net == total:
        break
    total = holding.net
    if step % 4 == 3:
        number += 1
        total = ledger.give_back(name, [Request("spring/budget", epoch, number, 3)])[0].net
print(total)
"""


def test_processes_that_race_never_get_more_than_there_is_and_get_all_of_it(ledger: Ledger, ledger_url: str) -> None:
    if ledger_url.startswith("memory"):
        pytest.skip("it lives in one process")
    amount, conftest = 1_999, str(Path(__file__).with_name("conftest.py"))
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, conftest, ledger_url, f"w{number}", str(amount)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    answers = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * 4, answers
    late = Holder(ledger, "late")
    rest = late.lease(amount, amount)
    assert sum(int(out) for out, _ in answers) + rest == amount
    assert rest <= 3 * len(racers), "what was given back last is all that may be left"
    assert late.lease(1, amount) == 0
