"""Steady load for a long time: memory and descriptors of supervisor, workers and learner stay flat.

    python benchmarks/soak.py [--seconds 1800] [--rate 400] [--workers 2]

The slope is fitted to the second half of the run, when caches are full; it is told in MB an hour, and judged by what it
adds up to in the measured half, as a short run's slope is mostly noise.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks.client_threads import ClientThreads
from benchmarks.torture import CONFIG, campaign
from benchmarks.torture_load import CAMPAIGN, DIMENSION
from benchmarks.torture_server import VictimServer
from benchmarks.verdict import verdict
from engine.calling.batch import Batch
from engine.client import Client, ClientOptions
from engine.core.outcome import Outcome, OutcomeType

_THREADS = 3
_MOST_MB = 30.0
_MOST_DESCRIPTORS = 8


def sample(pid: int) -> tuple[float, int] | None:
    """Resident MB and open descriptors; None once the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None


class Steady(ClientThreads):
    """Clients at a fixed rate: decisions, clicks, now and then a batch."""

    def __init__(self, address: str, rate: float) -> None:
        self.answers = self.safe = 0
        self._address, self._pause = address, _THREADS / rate
        super().__init__([partial(self._run, i) for i in range(_THREADS)])

    def _run(self, number: int) -> None:
        rng, i, due = np.random.default_rng(number), 0, time.monotonic()
        with Client(self._address, ClientOptions(deadline_ms=2_000.0)) as client:
            while not self.stop.is_set():
                i, due = i + 1, due + self._pause
                embedding = rng.normal(size=DIMENSION).astype(np.float32)
                user = f"user-{int(rng.integers(50_000))}"
                answer = client.decide(CAMPAIGN, user, embedding, request_id=f"{number}-{i}")
                self.answers, self.safe = self.answers + 1, self.safe + answer.safe
                if not answer.safe and i % 5 == 0:
                    now = datetime.now(UTC)
                    click = Outcome(f"c-{answer.decision_id}", CAMPAIGN, OutcomeType.CLICK, now,
                                    decision_id=answer.decision_id)  # fmt: skip
                    client.report([click])
                if i % 100 == 0:
                    users = [f"user-{int(j)}" for j in rng.integers(50_000, size=50)]
                    batch = Batch(CAMPAIGN, users, rng.normal(size=(50, DIMENSION)).astype(np.float32))
                    list(client.decide_batch([batch]))
                self.stop.wait(max(0.0, due - time.monotonic()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument("--rate", type=float, default=400.0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}\ncommit: {commit.stdout.strip()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        server = VictimServer(Path(name), CONFIG.format(workers=options.workers), options.workers)
        server.start()
        try:
            with Client(server.address, ClientOptions(patience_s=20.0)) as client:
                client.create_campaign(campaign())
            server.until_whole()
            time.sleep(1.0)
            soak(options, server)
            server.stop()
        finally:
            server.put_down()


def soak(options: argparse.Namespace, server: VictimServer) -> None:
    """Load, measure, and tell."""
    assert server.process is not None
    workers, learners = server.children()
    names = {server.process.pid: "supervisor", **{pid: f"worker_{i}" for i, pid in enumerate(sorted(workers))}}
    names.update(dict.fromkeys(learners, "learner"))
    seen: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
    began, every = time.monotonic(), max(1.0, options.seconds / 300)
    with Steady(server.address, options.rate) as load:
        while (elapsed := time.monotonic() - began) < options.seconds:
            for pid in names:
                found = sample(pid)
                if found is not None:
                    seen[pid].append((elapsed, *found))
            time.sleep(every)
        rate = load.answers / elapsed
    print(
        f"{load.answers} decisions one by one, {rate:.0f}/s, {load.safe} safe answers;"
        f" {server.log().count('ERROR')} errors logged"
    )
    for pid, name in names.items():
        rows = np.array([row for row in seen[pid] if row[0] > options.seconds / 2])
        gone = sample(pid) is None
        if gone or len(rows) < 5:
            verdict(f"soak_{name}_ended", 1, 0, "still_running", at_most=True)
            continue
        slope = float(np.polyfit(rows[:, 0], rows[:, 1], 1)[0])
        first, last = seen[pid][0], seen[pid][-1]
        print(f"{name}: {first[1]:.0f} → {last[1]:.0f} MB, {slope * 3600:.1f} MB/h in the second half;"
              f" {first[2]} → {last[2]} descriptors, at most {max(row[2] for row in seen[pid])}")  # fmt: skip
        verdict(f"soak_{name}_growth_mb", slope * options.seconds / 2, _MOST_MB, "second_half", at_most=True)
        verdict(f"soak_{name}_descriptors", last[2] - rows[0, 2], _MOST_DESCRIPTORS, "half_time", at_most=True)


if __name__ == "__main__":
    main()
