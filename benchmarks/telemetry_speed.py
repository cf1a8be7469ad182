"""What counting costs a decision, beside a bare dictionary increment in the same run.

    python benchmarks/telemetry_speed.py

Blocks of 1, 16 and 256 live decisions over 31 arms and 64 dimensions: everything that is counted of them on the path
of requests (`decided`, `committed`, and `done` once a call), and the look at one decision in 64 that follows later in
another thread. Beside them, one `labels().inc()` of prometheus_client, which is what a call for each series would cost.
"""

from __future__ import annotations

import logging
import platform
import subprocess
import sys
import timeit
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from prometheus_client import CollectorRegistry, Counter

from benchmarks.serving_world import campaign
from engine.core.context import Context
from engine.core.decision import Mode
from engine.core.decision_block import DecisionBlock
from engine.core.keyed_hash import KeyedHash
from engine.service.deciding import Deciding
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.telemetry.alarm_watch import AlarmWatch
from engine.telemetry.call_counts import CallCounts
from engine.telemetry.decision_counts import DecisionCounts
from engine.telemetry.seen_users import SeenUsers

AT = datetime(2026, 6, 1, tzinfo=UTC)
LARGEST_US = 2.0
BLOCKS = 256


def blocks(serving: Serving, rows: int) -> list[DecisionBlock]:
    """Blocks of different users, nine in ten of them live."""
    deciding = Deciding(KeyedHash(bytes(16)))
    generator = np.random.default_rng(rows)
    made = []
    for b in range(BLOCKS):
        requests = [
            DecideRequest(
                campaign="bench",
                user=f"user-{b}-{i}",
                context=Context(generator.normal(size=64).astype(np.float32), {"tier": "ab"[i % 2]}),
                request_id=f"{b}-{i}",
            )
            for i in range(rows)
        ]
        block = deciding.decide(serving, requests, [AT] * rows)
        modes = [Mode.CONTROL if (b * rows + i) % 10 == 0 else Mode.LIVE for i in range(rows)]
        made.append(replace(block, modes=modes))
    return made


def microseconds(call: Callable[[], object], number: int) -> float:
    """The best of seven runs, for one call."""
    return min(timeit.repeat(call, number=number, repeat=7)) / number * 1e6


def main() -> None:
    """Print the machine, the references and the figures."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print("command:", "python", *sys.argv)
    print("commit: ", commit.stdout.strip() or "none")
    print("CPU:    ", platform.processor() or platform.machine(), " python", platform.python_version())
    print("numpy:  ", version("numpy"), " prometheus-client", version("prometheus-client"))
    known = {("a", "b"): 0}

    def bare() -> None:
        known["a", "b"] = known.get(("a", "b"), 0) + 1

    reference = microseconds(bare, 200_000)
    logging.disable()  # the same blocks over and over set the alarms off
    counter = Counter("reference", "A counter.", ["campaign", "mode"], registry=CollectorRegistry())
    labelled = microseconds(lambda: counter.labels("bench", "live").inc(), 50_000)
    print(f"a dictionary increment             {reference:8.3f} µs")
    print(f"prometheus_client labels().inc()   {labelled:8.3f} µs")
    calls = CallCounts()
    done = microseconds(lambda: calls.done("Decide", 0.0012, 0), 100_000)
    print(f"done, once a call                  {done:8.3f} µs")
    serving = Serving(campaign(), 1, None)
    good = True
    for rows in (1, 16, 256):
        counts = DecisionCounts(SeenUsers(), window=2_000)
        made = blocks(serving, rows)

        def turn(counts: DecisionCounts = counts, made: list[DecisionBlock] = made, rows: int = rows) -> None:
            for block in made:
                counts.decided(block, serving, "Decide", 2e-5, 1e-4)
                counts.committed(rows, "Decide", 1e-3)

        block_us = microseconds(turn, max(2, 400 // rows)) / BLOCKS
        watch = AlarmWatch(counts.campaigns, np.random.default_rng(0))
        counts.count()
        kept = counts.campaigns["bench"].samples.copy()

        def look(counts: DecisionCounts = counts, watch: AlarmWatch = watch, kept: object = kept) -> None:
            counts.campaigns["bench"].samples.extend(kept)  # type: ignore[arg-type]
            watch.look(0.0)

        later_us = microseconds(look, 3) / max(1, len(kept)) / 64
        a_decision = block_us / rows + done * (rows == 1)
        good &= a_decision < LARGEST_US
        print(
            f"block of {rows:>3}                       {block_us:8.3f} µs a block,"
            f" {block_us / rows:.3f} µs a decision, {block_us / rows / reference:.1f} × an increment,"
            f" later {later_us:.3f} µs a decision"
        )
        print(
            f"RESULT name=telemetry_us_a_decision_block_{rows} value={a_decision:.3f} target={LARGEST_US:g}"
            f" reference={reference:.3f} {'ok' if a_decision < LARGEST_US else 'MISSED'}"
        )
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
