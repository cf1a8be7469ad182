"""How fast and how large a replay is, against reading the same file, scoring and fitting alone.

Usage: python benchmarks/replay_speed.py [--rows N] [--folder DIR] [--repeats N] [--obp]

Every figure runs in a process of its own, so that its memory is its own; times of a pair are taken in turns.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from benchmarks import replay_log
from benchmarks.verdict import verdict
from engine.core.policy import Policy
from simulator import Log, ReplaySettings, evaluate
from simulator.log_facts import LogFacts
from simulator.policies import SnapshotPolicy
from simulator.policies.schema_rows import schema_rows
from simulator.reward_models import ModelRows, Ridge

FOLDS = 5
GIB = 2**30


def read_with_polars(path: Path) -> float:
    start = time.perf_counter()
    if path.suffix == ".parquet":
        pl.read_parquet(path)
    else:
        pl.read_ndjson(path)
    return time.perf_counter() - start


def score(path: Path, specs: list[str]) -> float:
    """One pass of each policy over ready-made rows, in chunks as large as ours."""
    spent = 0.0
    policies: list[tuple[Policy, int]] = []
    for chunk in Log.scan(path).chunks():
        if not policies:
            for spec in specs:
                made, schema, _ = SnapshotPolicy(spec.partition(":")[2])._policy_for(chunk)
                policies.append((made, len(schema.user_columns)))
                encoder = schema
        rows = schema_rows(encoder, chunk, "bench")
        eligible = np.ones((chunk.rows, len(chunk.arms)), dtype=bool)
        start = time.perf_counter()
        for policy, _ in policies:
            policy.probabilities(rows, eligible)
        spent += time.perf_counter() - start
    return spent


def fit(path: Path) -> float:
    """Fit the cross-fitted reward model on ready-made matrices."""
    facts = LogFacts.of(Log.scan(path), cluster=None, reward_max=None)
    model, spent = Ridge(facts.plays, FOLDS), 0.0
    for chunk in facts.chunks():
        reward = chunk.outcomes.occurred("click", chunk.rows)[:, None]
        fold = facts.clusters.unit[chunk.place] % FOLDS
        rows = ModelRows(
            facts.features.encode(chunk), chunk.arm.astype(np.int64), reward, chunk.count.astype(np.float64), fold
        )
        start = time.perf_counter()
        model.add(rows)
        spent += time.perf_counter() - start
    start = time.perf_counter()
    model.fit({fold: tuple(other for other in range(FOLDS) if other != fold) for fold in range(FOLDS)})
    return spent + time.perf_counter() - start


def replay(path: Path, specs: list[str], estimators: list[str], interval: str) -> float:
    start = time.perf_counter()
    report = evaluate(
        Log.scan(path),
        policies=specs,
        metrics=["ctr"],
        estimators=estimators,
        settings=ReplaySettings(interval=interval, resamples=200),
    )
    spent = time.perf_counter() - start
    assert all(policy.metrics["ctr"].estimates[estimators[-1]].low is not None for policy in report.policies)
    return spent


def in_own_process(job: str, path: Path, specs: list[str]) -> tuple[float, float]:
    """Run one job; returns its seconds and its peak memory in GiB."""
    done = subprocess.run(
        [sys.executable, __file__, "--job", job, "--path", str(path), "--specs", json.dumps(specs)],
        capture_output=True,
        text=True,
        check=True,
        timeout=3600,
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["seconds"], answer["peak"] / GIB


def run_job(job: str, path: Path, specs: list[str]) -> None:
    jobs: dict[str, Callable[[], float]] = {
        "read": lambda: read_with_polars(path),
        "score": lambda: score(path, specs),
        "fit": lambda: fit(path),
        "full": lambda: replay(path, specs, ["ips", "snips", "dr"], "bootstrap_t"),
        "light": lambda: replay(path, ["logged", "uniform", "constant:hold"], ["ips", "snips"], "delta"),
    }
    limit = 1 if job in ("score", "fit") else None
    with threadpool_limits(limit, user_api="blas"):
        seconds = jobs[job]()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "peak": peak}))


def compare(kind: str, path: Path, specs: list[str], repeats: int) -> None:
    found: dict[str, list[float]] = {}
    peak = 0.0
    jobs = ["read", "score", "fit", "full", *(["light"] if path.suffix == ".jsonl" else [])]
    for _ in range(repeats):
        for job in jobs:
            seconds, memory = in_own_process(job, path, specs)
            found.setdefault(job, []).append(seconds)
            peak = max(peak, memory) if job in ("full", "light") else peak
    middle = {job: statistics.median(seconds) for job, seconds in found.items()}
    for job, seconds in middle.items():
        print(f"{kind}_{job:8} {seconds:.2f} s  # {' '.join(f'{one:.2f}' for one in found[job])}", flush=True)
    alone = middle["read"] + middle["score"] + middle["fit"]
    verdict(f"replay_{kind}", middle["full"] / alone, 2.0, "polars_read+scoring+reward_model_fit", at_most=True)
    if "light" in middle:
        verdict(f"replay_{kind}_ips_snips", middle["light"] / middle["read"], 1.5, "polars_read", at_most=True)
    verdict(f"replay_{kind}_peak_gib", peak, 2.0, "2_GiB", at_most=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="Keep the logs here; by default they are temporary.")
    parser.add_argument("--linear", type=int, default=0, metavar="N", help="Also replay N rows of Parquet, once.")
    parser.add_argument("--obp", action="store_true", help="Time obp on arrays of 100,000 rows beside it.")
    for name in ("--job", "--path", "--specs"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.job:
        run_job(arguments.job, Path(arguments.path), json.loads(arguments.specs))
        return
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}")
    print(f"commit: {commit.stdout.strip() or 'unknown'}  cpu: {os.cpu_count()} × {platform.machine()}")
    print(f"python {platform.python_version()}  numpy {np.__version__}  polars {pl.__version__}")
    with tempfile.TemporaryDirectory(prefix="armsreach-bench-") as scratch:
        folder = arguments.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        specs = list(replay_log.publish(Path(scratch)).values())
        for parquet in (True, False):
            path = replay_log.write(folder, arguments.rows, parquet=parquet)
            kind = "parquet" if parquet else "jsonl"
            print(
                f"{kind}: {arguments.rows:,} decisions × 30 arms × 64 dimensions, {path.stat().st_size / 1e6:,.0f} MB"
            )
            compare(kind, path, specs, arguments.repeats)
        if arguments.linear:
            _linear(folder, specs, arguments.rows, arguments.linear)
        if arguments.obp:
            _obp(100_000)


def _linear(folder: Path, specs: list[str], rows: int, more: int) -> None:
    few, _ = in_own_process("full", replay_log.write(folder, rows, parquet=True), specs)
    many, peak = in_own_process("full", replay_log.write(folder, more, parquet=True), specs)
    print(f"{rows:,} rows {few:.1f} s; {more:,} rows {many:.1f} s")
    verdict("replay_linear", (many / few) / (more / rows), 1.25, f"{more // rows}_times_the_rows", at_most=True)
    verdict("replay_linear_peak_gib", peak, 2.0, "2_GiB", at_most=True)


def _obp(rows: int) -> None:
    from benchmarks.obp_agreement import time_obp

    timing = time_obp(rows, 30)
    print(f"obp on {rows:,} × 30 arrays, one policy, IPS + SNIPS + DR: values {timing.values_s:.2f} s, 200 resamples")
    print(f"  {timing.intervals_s:.2f} s; per million decisions and policy {1e6 / rows * timing.intervals_s:.1f} s")


if __name__ == "__main__":
    main()
