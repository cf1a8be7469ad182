"""Kill workers, learner and everything at random moments of a loaded run; afterwards nothing may be lost or doubled.

    python benchmarks/torture.py [--kills 300] [--seed 1] [--rules] [--ledger redis] [--folder DIR]

Every acknowledged decision and outcome must be in the journal exactly once and as it was told; the model must equal
that of a learner that was never disturbed, over the same journal; no budget may be overspent and no cap broken.
With the ledger in Redis, that is killed and started again, too.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.redis_server import RedisServer
from benchmarks.torture_check import Found, examine
from benchmarks.torture_load import CAMPAIGN, DIMENSION, Load
from benchmarks.torture_rules import broken, spent_minor
from benchmarks.torture_server import VictimServer
from benchmarks.verdict import verdict
from engine.client import Client, ClientOptions

CONFIG = """poll_s = 0.05
[journal]
mark_s = 0.2
segment_mb = 1
[learner]
poll_s = 0.05
[server]
drain_s = 5.0
workers = {workers}
"""

WINDOW_S = 2.0
BUDGET_A_KILL = 60
"""In minor units: about half of what is spent between two kills, so that the budget runs out half-way."""


def campaign(budget_minor: int = 0) -> dict[str, Any]:
    """Three variants on two channels that cost money, with short horizons; with a budget also with caps."""
    rules = {
        "budget": {"amount_minor": budget_minor, "chunk_minor": 50},
        "caps": [{"most": 3, "within_s": 5.0}, {"most": 1, "within_s": 2.0, "channel": "push"}],
    }
    return {
        "id": CAMPAIGN,
        "schema": {"dimension": DIMENSION},
        "channels": [{"id": "email", "cost_minor": 1}, {"id": "push", "cost_minor": 3}],
        "slots": [{"id": "now"}],
        "variants": [
            {"id": f"v{i}", "state": "approved", "channels": {"email": {"text": "a"}, "push": {"text": "b"}},
             "offer": {"percent": 0.1 * i}}
            for i in range(3)
        ],
        "windows_s": dict.fromkeys(("click", "purchase", "refund", "cost", "unsubscribe", "not_sent"), WINDOW_S),
        "publishing": {"every_decisions": 200, "keep": 50},
        "objective": {"weights": {"click": 1.0}, "typical": 0.2},
        "learning": {"bits": 12, "save_every": 97},
        **(rules if budget_minor else {}),
    }  # fmt: skip


def torture(
    folder: Path, kills: int, seed: int, workers: int = 2, rules: bool = False, ledger: str = "sqlite"
) -> tuple[int, Found, Load]:
    """Run, kill and examine.

    Args:
        folder: For data, settings and log.
        kills: Processes to kill, at least.
        seed: Of the moments and the victims.
        workers: Of the server.
        rules: Whether the campaign has a budget and caps.
        ledger: Where the budget is leased from: `sqlite`, or `redis`, which is then among those that are killed.

    Returns:
        How many processes were killed, what was found, and what was acknowledged.
    """
    rng, settings = random.Random(seed), campaign(BUDGET_A_KILL * kills * rules)
    server = VictimServer(folder, CONFIG.format(workers=workers), workers)
    used: AbstractContextManager[RedisServer | None] = nullcontext()
    if ledger == "redis":
        used = RedisServer(folder / "redis")
    with used as redis:
        if redis is not None:
            server.configure(f'[ledger]\nurl = "{redis.url}"\n')
        server.start()
        try:
            killed, load = _loaded(server, settings, kills, rng, redis)
            server.until_whole()
            time.sleep(WINDOW_S + 0.5)
            server.stop()
        finally:
            server.put_down()
    found = examine(server, load.acknowledged)
    found.wrong.extend(broken(settings, found.decisions, found.outcomes))
    return killed, found, load


def _loaded(
    server: VictimServer, settings: dict[str, Any], kills: int, rng: random.Random, redis: RedisServer | None
) -> tuple[int, Load]:
    """The run: how many were killed, and the load that went on meanwhile."""
    with Client(server.address, ClientOptions(patience_s=20.0)) as client:
        client.create_campaign(settings)
    time.sleep(0.3)  # the other worker looks for news several times a second
    with Load(lambda: server.address) as load:
        killed = 0
        while killed < kills:
            time.sleep(0.3 + 0.5 * rng.random())
            killed += _kill(server, rng, redis)
        time.sleep(0.5)
    return killed, load


def _kill(server: VictimServer, rng: random.Random, redis: RedisServer | None) -> int:
    """One, some or all processes, wherever they are in their work."""
    if redis is not None and rng.random() < 0.3:
        redis.kill()
        time.sleep(0.5 * rng.random())  # budgets run low meanwhile
        redis.start()
        return 1
    if rng.random() < 0.2:
        killed = server.kill_all()
        server.start()
        return killed
    server.until_whole()
    time.sleep(0.2 * rng.random())
    workers, learners = server.children()
    # A learner needs seconds to start; killed every second, it would never be hit at work.
    doomed = [pid for pid in (*workers, *learners) if rng.random() < (0.3 if pid in learners else 0.6)]
    for pid in doomed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return len(doomed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=int(os.environ.get("ARMSREACH_KILLS", "300")))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rules", action="store_true", help="With a budget and caps.")
    parser.add_argument(
        "--ledger", choices=["sqlite", "redis"], default="sqlite", help="Where budgets are leased from."
    )
    parser.add_argument("--folder", type=Path, default=None, help="Where to keep data and log.")
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}\ncommit: {commit.stdout.strip()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        began = time.monotonic()
        killed, found, load = torture(options.folder or Path(name), options.kills, options.seed, options.workers,
                                      options.rules, options.ledger)  # fmt: skip
        told = load.acknowledged
        wrong = found.wrong
        print(
            f"killed {killed} processes in {time.monotonic() - began:.0f} s; acknowledged {len(told.decisions)}"
            f" decisions and {len(told.outcomes)} outcomes, {told.safe} safe answers, {told.retried} calls again;"
            f" journal: {len(found.decisions)} decisions, {len(found.outcomes)} outcomes; {found.learned} learned,"
            f" {found.snapshots} snapshots"
        )
        if options.rules:
            print(
                f"{spent_minor(campaign(), found.decisions)} were spent of a budget of {BUDGET_A_KILL * options.kills},"
                " counting what was given back since"
            )
        for line in wrong[:20]:
            print(f"WRONG {line}")
        verdict("torture_wrong", len(wrong), 0, f"{killed}_kills", at_most=True)
    if wrong:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
