"""What a budget costs a decision, and a chunk its ledger.

Prints microseconds for the two calls that a decision makes, for batches, and for leases in SQLite and Redis; the
reference in the same run is one commit of a SQLite point write, which is what checking each decision in a database
would cost.
"""

from __future__ import annotations

import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.redis_server import RedisServer, installed
from engine.core.arm import ChannelId, SlotId, VariantId
from engine.core.budget import Budget
from engine.core.campaign import Campaign
from engine.core.limits import Limits
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant
from engine.journal.position import Position
from engine.service.allowance import Allowance
from engine.store.ledger import Ledger, MemoryLedger, RedisLedger, Request, SqliteLedger


def timed(what: str, call: Callable[[], object], times: int, unit: int = 1) -> None:
    runs = []
    for _ in range(7):
        start = time.perf_counter()
        for _ in range(times):
            call()
        runs.append((time.perf_counter() - start) / times / unit * 1e6)
    print(f"{what:<58}{sorted(runs)[3]:>10.2f} µs")


def limits(arms: int) -> Limits:
    texts = {ChannelId("email"): {"subject": "x"}, ChannelId("sms"): {"text": "x"}}
    made = Campaign(
        "c",
        (Channel(ChannelId("email"), cost_minor=1), Channel(ChannelId("sms"), cost_minor=7)),
        (Slot(SlotId("now")),),
        variants=tuple(Variant(VariantId(f"v{i}"), channels=texts, stock=1 << 40) for i in range(arms // 2)),
        budget=Budget(1 << 50, 1 << 40),
    )
    return Limits(made, made.catalogue())


def decisions() -> None:
    for arms in (30, 10_000):
        of = limits(arms)
        allowance = Allowance("c", of, 1, MemoryLedger(), "w0")
        allowance.open(Position("w0", 1, 16), lambda *_: {})
        timed(f"{arms} arms, all stocked: excluded", allowance.excluded, 2000)
        timed(f"{arms} arms, all stocked: take", lambda a=allowance: a.take(3), 2000)
        chosen = np.random.default_rng(0).integers(0, arms, 4096)
        timed(f"{arms} arms: take_rows of 4096, a row", lambda a=allowance, c=chosen: a.take_rows(c), 20, 4096)
        low = np.zeros(len(of), dtype=np.int64)
        timed(f"{arms} arms: exclusions when all is used up", lambda o=of, r=low: o.excluded(r), 500)


def leases(name: str, ledger: Ledger) -> None:
    number, epoch = 0, ledger.open("w0", ["c/budget"])[0].epoch

    def lease() -> None:
        nonlocal number
        number += 1
        ledger.lease("w0", [Request("c/budget", epoch, number, 1, 1 << 50, 1)])

    timed(f"{name}: lease of a chunk, durable", lease, 200)
    ledger.close()


def main() -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(" ".join(sys.argv), commit.stdout.strip(), platform.processor() or platform.machine(), sys.version.split()[0])
    decisions()
    with tempfile.TemporaryDirectory() as folder:
        database = sqlite3.connect(Path(folder) / "reference.db", isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v INTEGER)")
        write = "INSERT INTO t VALUES (1, 1) ON CONFLICT DO UPDATE SET v = v + 1"
        timed("reference: one SQLite point write, committed and synced", lambda: database.execute(write), 200)
        database.close()
        leases("SQLite", SqliteLedger(Path(folder) / "ledger.db"))
        if installed():
            with_redis(Path(folder))


def with_redis(folder: Path) -> None:
    with RedisServer(folder) as server:
        leases("Redis, appendfsync always", RedisLedger(server.url))


if __name__ == "__main__":
    main()
