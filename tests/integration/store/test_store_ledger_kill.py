"""Workers that are killed while they spend: never too much, and no more than a chunk each is left.

`ARMSREACH_KILLS` says how often.
"""

from __future__ import annotations

import os
import random
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import engine
from engine.core.decision import Decision
from engine.core.limits import Limits
from engine.core.outcome import Outcome
from engine.journal import JournalReader
from engine.store.ledger import SqliteLedger, account_name

ROOT = Path(engine.__file__).parents[1]
VICTIM = Path(__file__).with_name("ledger_victim.py")
KILLS = int(os.environ.get("ARMSREACH_KILLS", "24"))
CHAINS = ("w0", "w1")
AMOUNTS = {"budget": 250 * KILLS, "stock:a": 21 * KILLS}
CHUNKS = {"budget": 120, "stock:a": 20}


def start(folder: Path, chain: str, run: str, *last: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, str(VICTIM), str(folder), chain, run, str(hash(run) % 1000), *last],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
    )


def spent(folder: Path) -> Counter[str]:
    """What the journals say, summed apart from the code under test."""
    total: Counter[str] = Counter()
    for _, entry in JournalReader(folder / "journal").read():
        record = entry.record
        if not isinstance(record, Decision | Outcome):
            continue
        arm, sign = (record.arm, 1) if isinstance(record, Decision) else (record.user, -1)
        if arm != "hold":
            variant, channel, _ = arm.split("/")
            total["budget"] += sign * {"email": 1, "sms": 7}[channel]
            total[f"stock:{variant}"] += sign
    return total


def check(folder: Path) -> None:
    total = spent(folder)
    for limit, amount in AMOUNTS.items():
        assert total[limit] <= amount, f"{limit} is overspent"


def test_kills_never_overspend_and_leave_no_more_than_a_chunk_a_worker(tmp_path: Path) -> None:
    chance = random.Random(11)
    acknowledged: Counter[str] = Counter()
    for kill in range(KILLS // len(CHAINS)):
        running = [start(tmp_path, chain, f"{chain}-{kill}") for chain in CHAINS]
        for process in running:
            assert process.stdout is not None
            for _ in range(chance.randrange(0, 60)):
                process.stdout.readline()
        for process in running:
            process.kill()
            process.wait(timeout=60)
            assert process.stdout is not None
            process.stdout.close()
        check(tmp_path)
    before = spent(tmp_path)
    ending = [start(tmp_path, chain, f"{chain}-end", "hold") for chain in CHAINS]
    for process in ending:  # all that can be had is spent, then they are killed with what they hold
        assert process.stdout is not None
        acknowledged.update(line.strip().decode() for line in iter(process.stdout.readline, b"waiting\n"))
    for process in ending:
        process.kill()
        process.wait(timeout=60)
        assert process.stdout is not None
        process.stdout.close()
    check(tmp_path)
    total = spent(tmp_path)
    print(f"{KILLS} kills: {dict(before)} spent before the last run, {dict(total)} at the end of {AMOUNTS}")
    # Where other work keeps this test from killing in time, the budget may be spent before.
    assert total["budget"] > before["budget"] or before["budget"] == AMOUNTS["budget"]
    for limit, amount in AMOUNTS.items():
        assert amount - total[limit] <= CHUNKS[limit] * len(CHAINS), f"{limit}: too much is left unspent"
    ledger = SqliteLedger(tmp_path / "ledger.db")
    for chain in CHAINS:  # a worker that comes back takes up what it had, and a clean end returns it
        process = start(tmp_path, chain, f"{chain}-close")
        process.communicate(timeout=120)
        assert process.returncode == 0
    total = spent(tmp_path)
    for limit, amount in AMOUNTS.items():
        statement = ledger.statement(account_name("c", limit))
        assert (statement.leased, statement.spent) == (total[limit], total[limit])
        assert statement.leased <= amount
    ledger.close()


def test_the_amounts_above_are_those_of_the_victim() -> None:
    made = runpy.run_path(str(VICTIM))["campaign"]()
    limits = Limits(made, made.catalogue()).limits
    assert {limit.id: limit.amount for limit in limits} == AMOUNTS
    assert {limit.id: limit.chunk for limit in limits} == CHUNKS
